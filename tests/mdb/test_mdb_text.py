"""Text: all three ways of storing it, decoded in blocks exactly as one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.mdb.exact import to_decimal, to_moment
from pipeline.mdb.text import decode_text, text_array


def compressed(text: str) -> bytes:
    """FF FE, one byte a character, NUL to switch to UTF-16 and back."""
    out, narrow = bytearray(b"\xff\xfe"), True
    for character in text:
        fits = 0 < ord(character) < 0x100
        if fits != narrow:
            out.append(0)
            narrow = fits
        out += character.encode("latin-1") if fits else character.encode("utf-16-le")
    return bytes(out)


# A character whose first UTF-16 byte is NUL cannot stand in the wide part: the format has no way to write it.
characters = st.characters(codec="utf-16-le", exclude_characters="\0", exclude_categories=["Cs"]).filter(
    lambda character: ord(character) & 0xFF != 0 and ord(character) < 0x10000
)
texts = st.text(st.one_of(st.sampled_from("abcÁñü €Łя"), characters), max_size=40)


@given(texts)
def test_compressed_text_is_decoded_exactly(text: str) -> None:
    assert decode_text(compressed(text)) == text


@given(st.lists(st.tuples(texts, st.sampled_from(["compressed", "wide", "null", "empty"])), max_size=20))
def test_blocks_decode_as_one_by_one(values: list[tuple[str, str]]) -> None:
    buffer, starts, ends, nulls, wanted = bytearray(b"junk"), [], [], [], []
    for text, how in values:
        raw = {"compressed": compressed(text), "wide": text.encode("utf-16-le")}.get(how, b"")
        if how == "wide" and raw.startswith(b"\xff\xfe"):
            continue
        starts.append(len(buffer))
        buffer += raw
        ends.append(len(buffer))
        nulls.append(how == "null")
        wanted.append(None if how == "null" else "" if how == "empty" else text)
    flat = np.frombuffer(bytes(buffer) + bytes(64), np.uint8)
    found = text_array(flat, np.array(starts, np.int32), np.array(ends, np.int32), np.array(nulls, np.bool_))
    assert found.to_pylist() == wanted


@pytest.mark.parametrize(
    ("days", "moment"),
    [
        (0.0, "1899-12-30 00:00:00"),
        (-1.25, "1899-12-29 06:00:00"),
        (2.5, "1900-01-01 12:00:00"),
        (46327.75, "2026-11-01 18:00:00"),
    ],
)
def test_ole_dates_count_the_fraction_forward_even_before_1899(days: float, moment: str) -> None:
    assert str(to_moment(days)) == moment


@pytest.mark.parametrize("days", [float("nan"), float("inf"), 1e300, -1e7])
def test_what_is_no_date_is_refused(days: float) -> None:
    with pytest.raises(OverflowError):
        to_moment(days)


@given(st.integers(-(10**28) + 1, 10**28 - 1), st.integers(0, 10))
def test_numeric_is_exact(number: int, scale: int) -> None:
    words = abs(number).to_bytes(16, "big")
    raw = bytes([0x80 if number < 0 else 0])
    raw += b"".join(words[at : at + 4][::-1] for at in range(0, 16, 4))
    assert to_decimal(raw, 28, scale).scaleb(scale) == number
