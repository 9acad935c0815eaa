"""The catalogues: three equal languages, and no sentence that is asked for and not there."""

import ast
import re
import string
from collections.abc import Iterator
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


# What makes a sentence from a key: ``say``, and the short names that some modules have for one part of a catalogue.
SPEAKERS = {"say": "", "fact": "fact."}
# A key is made of a few words with dots between them.
KEY = re.compile(r"[a-z_0-9]+(?:\.[a-zA-Z_0-9]+)*\.")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for module in sorted(BOT.rglob("*.py")):
        yield module, ast.parse(module.read_text("utf-8"))


def spoken() -> Iterator[tuple[str, str, ast.Call]]:
    """Yield where a sentence is asked for, the key as a pattern, and the call."""
    for module, tree in trees():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id not in SPEAKERS:
                continue
            if call.args and (key := pattern(call.args[0])) is not None:
                yield f"{module.name}:{call.lineno}", re.escape(SPEAKERS[call.func.id]) + key, call


def pattern(key: ast.expr) -> str | None:
    """Return a key as a regular expression: what is filled in may be anything; None for a key that is a variable."""
    match key:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=parts):
            return "".join(pattern(part) or ".+" for part in parts)
        case ast.IfExp(body=one, orelse=other):
            return f"(?:{pattern(one) or '.+'}|{pattern(other) or '.+'})"
        case _:
            return None


def test_every_sentence_that_the_code_names_is_there() -> None:
    missing = [(where, key) for where, key, _ in spoken() if not any(re.fullmatch(key, each) for each in catalogue())]
    assert missing == []


def test_every_sentence_is_asked_for_by_somebody() -> None:
    """By its name, by one that is put together, or by one that is handed on to where it is said."""
    literal: set[str] = set()
    shapes = {key for _, key, _ in spoken()}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literal.add(node.value)
            elif isinstance(node, ast.JoinedStr) and (shape := pattern(node)) and KEY.match(shape.replace("\\", "")):
                shapes.add(shape)
    shapes = {shape for shape in shapes if not shape.startswith(".")}
    unused = [key for key in catalogue() if key not in literal and not any(re.fullmatch(s, key) for s in shapes)]
    assert unused == []


def test_whoever_asks_for_a_sentence_fills_in_all_of_it_and_nothing_else() -> None:
    wrong = []
    for where, key, call in spoken():
        given = {keyword.arg for keyword in call.keywords}
        named = key.replace("\\", "")
        if None not in given and named in catalogue() and placeholders(catalogue()[named].en) != given:
            wrong.append((where, named))
    assert wrong == []


def test_no_sentence_is_empty_or_left_in_another_language() -> None:
    """A sentence of some length that reads the same in two languages was not translated."""
    same = []
    for key, sentence in catalogue().items():
        texts = [sentence.text(language) for language in LANGUAGES]
        assert all(text.strip() for text in texts), key
        words = re.sub(r"\{\w+\}", "", texts[0]).split()
        if len(words) > 5 and len(set(texts)) < len(texts):
            same.append(key)
    assert same == []


def test_a_text_inside_a_text_keeps_its_language() -> None:
    inner = Localized(fr="un", en="one", es="uno")
    said = say("confirm.status_is", status=inner)
    assert (said.fr, said.en, said.es) == ("Statut : un", "Status: one", "Estado: uno")
