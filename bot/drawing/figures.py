"""Numbers as people write them in each language: amounts, counts, sizes, lengths of time.

Money comes as Decimal and is written digit by digit; it never becomes a float.
"""

from collections.abc import Mapping
from decimal import Decimal

from checklists.model import Language

# What stands between thousands (a narrow space that no line breaks at, in French) and before the decimals.
_MARKS: Mapping[Language, tuple[str, str]] = {"fr": ("\u202f", ","), "en": (",", "."), "es": (".", ",")}
_MINUS = "\u2212"
_DAY = 86_400
_UNITS: Mapping[Language, tuple[str, str, str, str]] = {
    "fr": ("j", "h", "min", "s"),
    "en": ("d", "h", "min", "s"),
    "es": ("d", "h", "min", "s"),
}


def amount(value: Decimal, language: Language, places: int = 4) -> str:
    """Return a decimal with ``places`` decimals: ``1 234,5600``, ``1,234.5600``, ``1.234,5600``."""
    return _marked(f"{value:,.{places}f}", language)


def short_amount(value: Decimal, language: Language) -> str:
    """Return a decimal with 2 decimals where it has no more, else with 4: ``91,36``, ``89,0350``."""
    return amount(value, language, places=2 if value == round(value, 2) else 4)


def signed_amount(value: Decimal, language: Language, places: int | None = None) -> str:
    """Return a step up or down with its sign: ``+8,33``, or with ``places`` decimals."""
    written = short_amount(value, language) if places is None else amount(value, language, places)
    return ("+" if value > 0 else "") + written


def number(value: Decimal, language: Language) -> str:
    """Return a decimal without any zeros at its end: the rate ``21``, ``0,5``."""
    text = f"{value:,f}"
    return _marked(text.rstrip("0").rstrip(".") if "." in text else text, language)


def count(value: int, language: Language) -> str:
    """Return a whole number with its thousands apart."""
    return _marked(f"{value:,}", language)


def _marked(text: str, language: Language) -> str:
    thousands, decimal = _MARKS[language]
    return text.translate({ord(","): thousands, ord("."): decimal, ord("-"): _MINUS})


def file_size(size: int, language: Language = "en") -> str:
    """Return a file's size for people (1,536 B is ``1.5 KiB``)."""
    value = float(size)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} B" if unit == "B" else f"{_marked(f'{value:.1f}', language)} {unit}"
        value /= 1024
    return f"{_marked(f'{value:.1f}', language)} GiB"


def duration(seconds: float, language: Language) -> str:
    """Return a length of time for people, in its two largest units: ``3 d 4 h``, ``2 min 5 s``, ``0.4 s``."""
    day, hour, minute, second = _UNITS[language]
    if seconds < 1:
        return f"{_marked(f'{seconds:.1f}', language)} {second}"
    whole = round(seconds)
    parts = [
        (whole // _DAY, day),
        (whole % _DAY // 3600, hour),
        (whole % 3600 // 60, minute),
        (whole % 60, second),
    ]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)


def stopwatch(seconds: float, language: Language) -> str:
    """Return a short length of time to the millisecond: ``4 ms``, ``1.24 s``; from a minute on as ``duration``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.001 else "< 1 ms"
    return duration(seconds, language) if seconds >= 59.995 else f"{_marked(f'{seconds:.2f}', language)} s"
