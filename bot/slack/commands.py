"""The slash command's verbs: one table parses them, finds the nearest on a typo, and renders the help."""

from dataclasses import dataclass
from typing import Literal

from rapidfuzz import process

from bot.locales import say
from checklists.model import Language, Localized

VerbName = Literal["start", "status", "list", "help"]


@dataclass(frozen=True)
class Verb:
    """A verb, what else people call it, and how it is used."""

    name: VerbName
    aliases: tuple[str, ...]
    argument: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """All the words that mean it."""
        return (self.name, *self.aliases)

    @property
    def does(self) -> Localized:
        """What it does, in one sentence."""
        return say(f"slack.verb.{self.name}")


VERBS = (
    Verb("start", ("démarrer", "demarrer", "iniciar", "empezar")),
    Verb("status", ("statut", "état", "etat", "estado"), "ONB-7"),
    Verb("list", ("liste", "lister", "lista", "listar")),
    Verb("help", ("aide", "ayuda", "?")),
)


@dataclass(frozen=True)
class UnknownVerb:
    """A word that is no verb, and the verbs that come nearest to it."""

    word: str
    nearest: tuple[str, ...]


def parse(text: str) -> tuple[Verb | UnknownVerb, str]:
    """Return the verb and what follows it; nothing at all is a call for help."""
    word, _, rest = text.strip().partition(" ")
    if not word:
        return VERBS[-1], ""
    for verb in VERBS:
        if word.casefold() in verb.words:
            return verb, rest.strip()
    words = [name for verb in VERBS for name in verb.words if name != "?"]
    near = process.extract(word.casefold(), words, limit=3, score_cutoff=50)
    names = dict.fromkeys(verb.name for found, _, _ in near for verb in VERBS if found in verb.words)
    return UnknownVerb(word, tuple(names)), rest.strip()


def help_text(command: str, language: Language) -> str:
    """Return the help, rendered from the table that parses."""
    lines = [f"*{say('slack.help_title').text(language)}*"]
    for verb in VERBS:
        argument = f" {verb.argument}" if verb.argument else ""
        aliases = ", ".join(alias for alias in verb.aliases if alias != "?")
        lines.append(f"• `{command} {verb.name}{argument}` — {verb.does.text(language)} _({aliases})_")
    return "\n".join(lines)
