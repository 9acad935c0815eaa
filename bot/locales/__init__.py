"""The product's own sentences in French, English and Spanish: ``say`` finds one and fills it in.

The catalogues are the YAML files of this package, one per part of the product, each entry
``key: {fr: …, en: …, es: …}`` with ``{placeholders}``.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import cast

import yaml

from checklists.model import LANGUAGES, Localized


@cache
def catalogue() -> Mapping[str, Localized]:
    """Return every sentence by its key. Raises ValueError for a key that stands in two files."""
    sentences: dict[str, Localized] = {}
    # libyaml's safe loader where it is there: ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for source in sorted(files(__package__).iterdir(), key=lambda entry: entry.name):
        if not source.name.endswith(".yaml"):
            continue
        read = yaml.load(source.read_text("utf-8"), Loader=loader)  # noqa: S506 - both are safe
        for key, texts in cast("dict[str, object]", read or {}).items():
            if key in sentences:
                raise ValueError(f"The sentence {key!r} stands in two catalogues; the second is {source.name}.")
            sentences[key] = Localized.model_validate(texts)
    return sentences


def say(key: str, /, **values: object) -> Localized:
    """Return the sentence ``key`` in all three languages with its placeholders filled in.

    A value that is itself ``Localized`` is filled in in the language of the sentence around it.
    Raises KeyError for an unknown key or a placeholder without a value: both are programming errors.
    """
    sentence = catalogue()[key]
    return Localized(
        **{
            language: sentence.text(language).format_map(
                {
                    name: value.text(language) if isinstance(value, Localized) else value
                    for name, value in values.items()
                }
            )
            for language in LANGUAGES
        }
    )
