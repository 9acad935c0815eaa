"""The pipeline's own SQL that is no check: tables derived for the controls, and the rows of the Output."""

from functools import cache
from pathlib import Path


@cache
def statement(name: str) -> str:
    """Return the text of ``<name>.sql`` beside this module."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
