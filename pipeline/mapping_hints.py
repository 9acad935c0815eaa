"""What the names of tables and columns suggest, in several languages: mapping_hints.yaml beside this module."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field

from checklists.model import Frozen

# InvoiceNo is two words, NUM_FACTURA is two, CDRList is two.
WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")

Concepts = frozenset[str]


class Doubt(Frozen):
    """What to ask about a column, unless its name has the concept that settles it."""

    ask: str
    unless: str


class Hints(Frozen):
    """The file's content; its head says what each part is."""

    ignored: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, Mapping[str, tuple[str, ...]]]
    doubts: Mapping[str, Mapping[str, Doubt]] = Field(default_factory=dict)
    notes: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)

    def doubt(self, view: str, column: str, source: str) -> str | None:
        """Return what must be checked although ``source``, a column of the file, was found for a column of a view."""
        doubt = self.doubts.get(view, {}).get(column)
        return None if doubt is None or doubt.unless in concepts_of(source) else doubt.ask

    def note(self, view: str, column: str) -> str | None:
        """Return what to write for a column where none was found."""
        return self.notes.get(view, {}).get(column)


@cache
def hints() -> Hints:
    """Read mapping_hints.yaml, once a process."""
    text = (Path(__file__).parent / "mapping_hints.yaml").read_text(encoding="utf-8")
    return Hints.model_validate(yaml.safe_load(text))


@cache
def _concept_of() -> Mapping[str, str]:
    return {word: concept for concept, words in hints().words.items() for word in words}


def concepts_of(name: str) -> Concepts:
    """Return what the words of a name mean; a word that is not known stands for itself.

    >>> sorted(concepts_of("Numéro de la facture"))
    ['invoice', 'number']
    """
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = [word.lower() for word in WORDS.findall(plain)]
    known = _concept_of()
    return frozenset(known.get(word, word) for word in words if word not in hints().ignored)


def phrases(texts: Iterable[str]) -> list[Concepts]:
    """Return the phrases of a hint as sets of concepts, in their order."""
    return [frozenset(text.split()) for text in texts]
