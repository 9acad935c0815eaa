"""The deposit in My Console (procedure, section 2): guided fields, the boxes of the upload, the text for the partner.

My Console is the house's own, the same for every operator, so its menus stand here; what is chosen in them is the
pack's. Two things make the step whole: the file in My Console, which people confirm by the boxes, and the same file
given to the bot, which only this step can hand to the chain. The file ends it: the boxes tell who uploaded and when.
"""

from collections.abc import Sequence

from bot.locales import say
from bot.onboarding.outcomes import Fact, fact
from bot.onboarding.view import OnboardingView
from bot.onboarding.work import Work
from checklists.model import ChainParameters, DepositParameters, Language, Localized, Tick

UPLOAD_MENU = "Client / Dépôt / Dépôt de fichiers"
UPLOADED = "Fichier(s) téléchargé(s)"
FOLLOW_MENU = "Client / Dépôt / Suivi des dépôts"

BOXES = ("menu", "chosen", "dropped", "listed")


def upload_boxes() -> tuple[Tick, ...]:
    """Return the boxes of the upload, in the order of the procedure."""
    return tuple(Tick(id=name, label=say(f"console.tick_{name}", menu=UPLOAD_MENU, listed=UPLOADED)) for name in BOXES)


def guided_facts(work: Work) -> tuple[Fact, ...]:
    """Return what to choose in My Console: the menu word for word, the pack's fields filled in, the file's name."""
    language = work.view.language
    names = _names(work.view)
    fields = work.parameters(DepositParameters).fields
    files = work.pack.files
    return (
        fact("console_menu", UPLOAD_MENU),
        *(Fact(field.label, filled(field.value, names)) for field in fields),
        *([fact("console_name", files.example)] if files is not None else []),
        fact("console_flow", work.view.operator),
        fact("console_next", say("console.follow", menu=FOLLOW_MENU).text(language)),
    )


def request_text(work: Work) -> Localized:
    """Return the text for the partner: the way through My Console with this client's fields."""
    facts = guided_facts(work)

    def lines(language: Language) -> str:
        return "\n".join(f"  - {each.label.text(language)}: {each.value}" for each in facts[1:-2])

    return say(
        "console.request",
        operator=work.view.operator,
        client=work.view.client,
        key=work.view.key,
        menu=UPLOAD_MENU,
        listed=UPLOADED,
        follow=FOLLOW_MENU,
        fields=Localized(fr=lines("fr"), en=lines("en"), es=lines("es")),
    )


def chain_wants_file(work: Work) -> bool:
    """Tell whether a step of the chain takes the file; where another system does, the boxes end the deposit."""
    return any(
        isinstance(step.definition.parameters, ChainParameters) and "arrival" in step.definition.parameters.stages
        for step in work.view.steps
    )


def filled(value: str, names: Sequence[tuple[str, str]]) -> str:
    """Return a field's value with {client}, {root}, {partner} and {operator} filled in; other braces stay."""
    for name, meant in names:
        value = value.replace(f"{{{name}}}", meant)
    return value


def _names(view: OnboardingView) -> tuple[tuple[str, str], ...]:
    return (("client", view.client), ("root", view.root), ("partner", view.partner), ("operator", view.operator))
