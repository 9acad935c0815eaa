"""The slash command's verbs: one table parses them, finds the nearest on a typo, and renders the help.

``parse`` takes any text and never raises: it returns what was asked for, which verb was misused and how, or which verbs
come nearest to a word that is none.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, get_args

from rapidfuzz import process

from bot.locales import say
from bot.onboarding.correcting import LONGEST_COMMENT
from bot.slack.typed import Person, plain_text, read_date, read_person, unquoted
from checklists.model import Language, Localized

VerbName = Literal[
    "start",
    "status",
    "list",
    "mine",
    "confirm",
    "retry",
    "skip",
    "assign",
    "due",
    "note",
    "form",
    "correct",
    "check",
    "cancel",
    "reopen",
    "export",
    "help",
]
# What a verb takes, in the order in which it is typed.
ArgumentKind = Literal["key", "step", "ticks", "person", "day", "about", "reason", "text", "comment", "verb", "late"]

LONGEST_REASON, LONGEST_TEXT = 1_000, 2_000
LONGEST_WORD = 40
MOST_TICKS = 10
# What people type for what is late, in any of the languages.
LATE = frozenset({"late", "overdue", "retard", "retards", "tarde", "retraso", "atrasadas", "atrasados"})

_KEY = re.compile(r"(?:ONB-)?([1-9][0-9]{0,14})", re.IGNORECASE | re.ASCII)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True)
class Argument:
    """One argument of a verb; ``example`` is typed as it stands, or is a sentence of the catalogue."""

    kind: ArgumentKind
    is_optional: bool = False
    example: str = ""

    def shown(self, language: Language) -> str:
        """Return the argument as usage lines show it."""
        name = say(f"slack.argument.{self.kind}").text(language)
        return f"[{name}]" if self.is_optional else name

    def shown_example(self, language: Language) -> str:
        """Return what somebody might type for it."""
        return say(self.example).text(language) if self.example.startswith("slack.") else self.example


@dataclass(frozen=True)
class Verb:
    """A verb, what else people call it, and what it takes."""

    name: VerbName
    aliases: tuple[str, ...]
    takes: tuple[Argument, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All the words that mean it."""
        return (self.name, *self.aliases)

    @property
    def does(self) -> Localized:
        """What it does, in one sentence."""
        return say(f"slack.verb.{self.name}")

    def usage(self, command: str, language: Language) -> str:
        """Return how it is typed: ``/onboard skip KEY STEP REASON``."""
        return " ".join([command, self.name, *(argument.shown(language) for argument in self.takes)])

    def example(self, command: str, language: Language) -> str:
        """Return what somebody might type."""
        given = [argument.shown_example(language) for argument in self.takes]
        return " ".join([command, self.name, *(each for each in given if each)])


KEY = Argument("key", example="ONB-7")
STEP = Argument("step", example="portal")
REASON = Argument("reason", example="slack.example.reason")


def _maybe(argument: Argument) -> Argument:
    return replace(argument, is_optional=True)


VERBS = (
    Verb("start", ("démarrer", "demarrer", "iniciar", "empezar")),
    Verb("status", ("statut", "état", "etat", "estado"), (_maybe(KEY),)),
    Verb("list", ("liste", "lister", "lista", "listar"), (Argument("late", True, "late"),)),
    Verb("mine", ("moi", "mes", "mías", "mias", "mis")),
    Verb("confirm", ("confirmer", "confirmar"), (KEY, STEP, Argument("ticks", True, "logged_in"))),
    Verb("retry", ("relancer", "réessayer", "reessayer", "relanzar", "reintentar"), (KEY, _maybe(STEP))),
    Verb("skip", ("passer", "omitir", "saltar"), (KEY, STEP, REASON)),
    Verb(
        "assign",
        ("attribuer", "désigner", "designer", "asignar", "designar"),
        (KEY, _maybe(STEP), Argument("person", example="slack.example.person")),
    ),
    Verb(
        "due",
        ("échéance", "echeance", "vencimiento", "plazo"),
        (KEY, _maybe(STEP), Argument("day", example="2026-12-01")),
    ),
    Verb(
        "note",
        ("noter", "nota", "anotar"),
        (KEY, Argument("about", True, "portal:"), Argument("text", example="slack.example.note")),
    ),
    Verb("form", ("formulaire", "formulario"), (KEY,)),
    Verb("correct", ("corriger", "corregir"), (KEY, Argument("comment", example="slack.example.correct"))),
    Verb("check", ("contrôle", "controle", "vérifier", "verifier", "control", "comprobar"), (KEY,)),
    Verb("cancel", ("annuler", "anular", "cancelar"), (KEY, REASON)),
    Verb("reopen", ("rouvrir", "reabrir"), (KEY, Argument("about", True, "portal:"), REASON)),
    Verb("export", ("exporter", "exportar", "dossier", "dosier"), (KEY,)),
    Verb("help", ("aide", "ayuda", "?"), (Argument("verb", True, "skip"),)),
)
HELP = VERBS[-1]


@dataclass(frozen=True)
class Asked:
    """What was asked for: a verb and its arguments, None and empty where they were left out.

    ``key`` is ONB-<n>; ``person`` is None for "nobody in particular", ``day`` for "none" (the verb tells whether it
    takes one). ``about`` is a word before a colon at the beginning of a text: a step, if the onboarding has such a one.
    """

    verb: Verb
    key: str = ""
    step: str | None = None
    ticks: tuple[str, ...] = ()
    person: Person | None = None
    day: date | None = None
    about: str | None = None
    text: str = ""
    only_late: bool = False


@dataclass(frozen=True)
class Misused:
    """A verb whose arguments cannot be read, and what is wrong with them."""

    verb: Verb
    wrong: Localized


@dataclass(frozen=True)
class UnknownVerb:
    """A word that is no verb, and the verbs that come nearest to it."""

    word: str
    nearest: tuple[str, ...]


def parse(text: str) -> Asked | Misused | UnknownVerb:
    """Read what was typed behind the command; nothing at all is a call for help."""
    word, rest = _first_word(text)
    if not word:
        return Asked(HELP)
    verb = find_verb(word)
    return _read(verb, rest) if verb is not None else UnknownVerb(plain_text(word), _nearest(word))


def find_verb(word: str) -> Verb | None:
    """Return the verb that a word means, in any of the languages; None for none."""
    return next((verb for verb in VERBS if word.casefold() in verb.words), None)


def usage_hint() -> str:
    """Return the verbs as the app's manifest shows them: in English, for a manifest has one language."""
    return " | ".join(" ".join([verb.name, *(argument.shown("en") for argument in verb.takes)]) for verb in VERBS)


def help_text(command: str, language: Language, verb: Verb | None = None) -> str:
    """Return the help, rendered from the table that parses; of one verb: with its example and its other words."""
    if verb is not None:
        return _explained(verb, command, language)
    lines = [f"*{say('slack.help_title').text(language)}*"]
    for each in VERBS:
        aliases = ", ".join(alias for alias in each.aliases if alias != "?")
        lines.append(f"• `{each.usage(command, language)}` — {each.does.text(language)} _({aliases})_")
    return "\n".join(lines)


def misuse_text(misused: Misused, command: str, language: Language) -> str:
    """Return what is wrong with the arguments, how the verb is used, and an example."""
    return f"{misused.wrong.text(language)}\n{_explained(misused.verb, command, language)}"


def _explained(verb: Verb, command: str, language: Language) -> str:
    usage = say("slack.usage", usage=verb.usage(command, language), does=verb.does).text(language)
    example = say("slack.usage_example", example=verb.example(command, language)).text(language)
    aliases = ", ".join(f"`{alias}`" for alias in verb.aliases)
    return "\n".join([usage, example, say("slack.usage_aliases", aliases=aliases).text(language)])


def _nearest(word: str) -> tuple[str, ...]:
    words = [name for verb in VERBS for name in verb.words if name != "?"]
    near = process.extract(word.casefold()[:LONGEST_WORD], words, limit=3, score_cutoff=50)
    return tuple(dict.fromkeys(verb.name for found, _, _ in near for verb in VERBS if found in verb.words))


class _Wrong(Exception):
    """An argument that cannot be read; ``args[0]`` says why."""


def _read(verb: Verb, rest: str) -> Asked | Misused:
    asked = Asked(verb)
    try:
        for position, argument in enumerate(verb.takes):
            asked, rest = _READERS[argument.kind](asked, rest, argument, verb.takes[position + 1 :])
        _require_end(rest)
    except _Wrong as wrong:
        return Misused(verb, wrong.args[0])
    return asked


def _require_end(rest: str) -> None:
    if rest:
        raise _Wrong(say("slack.wrong.too_much", given=_short(rest)))


def _take_key(asked: Asked, rest: str, argument: Argument, _: tuple[Argument, ...]) -> tuple[Asked, str]:
    word, after = _first_word(rest)
    if not word and argument.is_optional:
        return asked, rest
    matched = _KEY.fullmatch(word)
    if matched is None:
        raise _Wrong(say("slack.wrong.key", given=_short(word)) if word else say("slack.wrong.no_key"))
    return replace(asked, key=f"ONB-{matched[1]}"), after


def _take_step(asked: Asked, rest: str, argument: Argument, behind: tuple[Argument, ...]) -> tuple[Asked, str]:
    word, after = _first_word(rest)
    if argument.is_optional and (not word or (behind and not after)):
        # The one word that is there is the argument behind it.
        return asked, rest
    if not word:
        raise _Wrong(say("slack.wrong.no_step"))
    return replace(asked, step=_identifier(word, "slack.wrong.step")), after


def _take_ticks(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    words = rest.replace(",", " ").split()
    if len(words) > MOST_TICKS:
        raise _Wrong(say("slack.wrong.too_many_ticks", most=MOST_TICKS))
    return replace(asked, ticks=tuple(_identifier(word, "slack.wrong.tick") for word in words)), ""


def _take_person(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    try:
        return replace(asked, person=read_person(rest)), ""
    except ValueError:
        given = _short(rest)
    raise _Wrong(say("slack.wrong.person", given=given) if given else say("slack.wrong.no_person"))


def _take_day(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    try:
        return replace(asked, day=read_date(rest)), ""
    except ValueError:
        given = _short(rest)
    raise _Wrong(say("slack.wrong.day", given=given) if given else say("slack.wrong.no_day"))


def _take_about(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    word, after = _first_word(rest)
    named = word.removesuffix(":")
    if word.endswith(":") and _IDENTIFIER.fullmatch(named.casefold()):
        return replace(asked, about=named), after
    return asked, rest


def _take_reason(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    return _words(asked, rest, LONGEST_REASON, "refused.no_reason"), ""


def _take_text(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    return _words(asked, rest, LONGEST_TEXT, "refused.empty_note"), ""


def _take_comment(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    return _words(asked, rest, LONGEST_COMMENT, "refused.no_comment"), ""


def _take_verb(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    word, after = _first_word(rest)
    return replace(asked, text=word.casefold()[:LONGEST_WORD]), after


def _take_late(asked: Asked, rest: str, _: Argument, __: tuple[Argument, ...]) -> tuple[Asked, str]:
    word, after = _first_word(rest)
    return (replace(asked, only_late=True), after) if word.casefold() in LATE else (asked, rest)


_READERS: dict[str, Callable[[Asked, str, Argument, tuple[Argument, ...]], tuple[Asked, str]]] = {
    "key": _take_key,
    "step": _take_step,
    "ticks": _take_ticks,
    "person": _take_person,
    "day": _take_day,
    "about": _take_about,
    "reason": _take_reason,
    "text": _take_text,
    "comment": _take_comment,
    "verb": _take_verb,
    "late": _take_late,
}
assert _READERS.keys() == set(get_args(ArgumentKind))


def _words(asked: Asked, rest: str, longest: int, when_empty: str) -> Asked:
    words = unquoted(plain_text(rest))
    if not words:
        raise _Wrong(say(when_empty))
    if len(words) > longest:
        raise _Wrong(say("slack.wrong.too_long", given=len(words), longest=longest))
    return replace(asked, text=words)


def _identifier(word: str, wrong: str) -> str:
    if not _IDENTIFIER.fullmatch(word.casefold()):
        raise _Wrong(say(wrong, given=_short(word)))
    return word.casefold()


def _first_word(text: str) -> tuple[str, str]:
    """Return the first word and what follows it, whatever kind of space is between them."""
    parts = text.split(maxsplit=1)
    return (parts[0], parts[1].strip()) if len(parts) == 2 else (parts[0] if parts else "", "")


def _short(text: str) -> str:
    """Return the beginning of what was typed, on one line, for a sentence about it."""
    line = " ".join(plain_text(text[: 4 * LONGEST_WORD]).split())
    return line if len(line) <= LONGEST_WORD else f"{line[: LONGEST_WORD - 1]}…"
