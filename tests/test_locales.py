"""The catalogues: three equal languages, and no sentence that is asked for and not there."""

import re
import string
from pathlib import Path

import pytest

from bot.locales import catalogue, say
from checklists.model import LANGUAGES, Localized

BOT = Path(__file__).parents[1] / "bot"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_a_sentence_has_the_same_placeholders_in_every_language(key: str) -> None:
    first, *others = [placeholders(catalogue()[key].text(language)) for language in LANGUAGES]
    assert all(other == first for other in others)


def test_every_sentence_that_the_code_names_is_there() -> None:
    named: set[str] = set()
    for module in BOT.rglob("*.py"):
        code = module.read_text("utf-8")
        named |= set(re.findall(r'\bsay\(\s*"([a-z_.]+)"', code))
        named |= {f"fact.{key}" for key in re.findall(r'\bfact\("([a-z_0-9]+)"', code)}
    assert named - catalogue().keys() == set()


def test_a_text_inside_a_text_keeps_its_language() -> None:
    inner = Localized(fr="un", en="one", es="uno")
    said = say("confirm.status_is", status=inner)
    assert (said.fr, said.en, said.es) == ("Statut : un", "Status: one", "Estado: uno")
