"""In which language a page speaks."""

import re
from collections.abc import Mapping
from typing import cast

from starlette.requests import Request

from checklists.model import LANGUAGES, Language

NAMES: Mapping[Language, str] = {"fr": "Français", "en": "English", "es": "Español"}


def page_language(request: Request, otherwise: Language) -> Language:
    """Return ``?lang=``, else the first of Accept-Language that the product speaks, else ``otherwise``."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    return preferred(request.headers.get("accept-language", "")) or otherwise


def preferred(accept: str) -> Language | None:
    """Return the language that an Accept-Language header likes best among ours; None when it names none of them.

    >>> preferred("de, es-ES;q=0.8, en;q=0.5")
    'es'
    """
    ranked: list[tuple[float, int, Language]] = []
    for position, part in enumerate(accept[:500].split(",")):
        named = re.fullmatch(r"\s*([a-zA-Z]{2})(?:-[\w-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*", part)
        if named and named[1].lower() in LANGUAGES:
            weight = float(named[2] or 1)
            if weight > 0:
                ranked.append((-weight, position, cast("Language", named[1].lower())))
    return min(ranked)[2] if ranked else None
