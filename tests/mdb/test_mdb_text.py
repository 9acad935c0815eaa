"""Text: all three ways of storing it, decoded in blocks exactly as one by one."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mdb.exact import to_decimal, to_moment
from pipeline.mdb.text import CodePage, CompressedUnicode, TextCodec, decode_text, dictionary


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


def column(codec: TextCodec, values: list[bytes | None]) -> list[str | None]:
    buffer, starts, ends = bytearray(b"junk"), [], []
    for raw in values:
        starts.append(len(buffer))
        buffer += raw or b""
        ends.append(len(buffer))
    nulls = np.array([raw is None for raw in values], np.bool_)
    flat = np.frombuffer(bytes(buffer), np.uint8)
    places = np.array(starts, np.int32), np.array(ends, np.int32)
    found: list[str | None] = codec.column(flat, *places, nulls).to_pylist()
    distinct = dictionary(codec, flat, *places, nulls)
    distinct.validate(full=True)
    assert distinct.to_pylist() == found
    assert sorted(distinct.dictionary.to_pylist()) == sorted({text for text in found if text is not None})
    return found


@given(st.lists(st.tuples(texts, st.sampled_from(["compressed", "wide", "null", "empty"])), max_size=20))
def test_a_column_is_decoded_as_its_values_one_by_one(values: list[tuple[str, str]]) -> None:
    stored: list[tuple[bytes | None, str | None]] = []
    for text, how in values:
        wide = text.encode("utf-16-le")
        if how == "compressed" or (how == "wide" and wide.startswith(b"\xff\xfe")):
            stored.append((compressed(text), text))
        else:
            stored.append({"wide": (wide, text), "null": (None, None), "empty": (b"", "")}[how])
    assert column(CompressedUnicode(), [raw for raw, _ in stored]) == [text for _, text in stored]


@given(st.lists(st.one_of(st.none(), st.text(max_size=20).map(lambda text: text.encode("utf-16-le"))), max_size=20))
def test_characters_beyond_sixteen_bits_are_decoded_too(values: list[bytes | None]) -> None:
    values = [raw if raw is None or not raw.startswith(b"\xff\xfe") else b"" for raw in values]
    assert column(CompressedUnicode(), values) == [None if raw is None else raw.decode("utf-16-le") for raw in values]


@pytest.mark.parametrize("raw", [b"a", b"a\0b", b"\xff\xfea\0b", b"\x00\xd8", b"\x00\xdca\0"])
def test_half_a_character_is_refused(raw: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        column(CompressedUnicode(), [b"x\0", raw, None])


@cache
def texts_in(codec: str) -> st.SearchStrategy[str]:
    """Texts of characters that come back as they were: some code pages write two of them alike."""
    points = [chr(point) for point in range(0x10000) if chr(point).encode(codec, "ignore").decode(codec) == chr(point)]
    return st.text(st.sampled_from(points), max_size=8)


@pytest.mark.parametrize("number", [1250, 1251, 1252, 1253, 874, 932, 936, 949, 950])
@settings(deadline=None)
@given(data=st.data())
def test_text_of_a_code_page_is_decoded_exactly(number: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | texts_in(f"cp{number}"), max_size=8))
    codec = CodePage(number)
    stored = [None if value is None else value.encode(f"cp{number}") for value in values]
    assert column(codec, stored) == values
    assert [None if raw is None else codec.value(raw) for raw in stored] == values


def test_a_byte_that_a_code_page_leaves_open_is_the_control_character_of_its_number() -> None:
    assert column(CodePage(1252), [b"a\x81b"]) == ["a\x81b"]


def test_half_a_character_of_two_bytes_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        column(CodePage(932), [b"abc", b"\x82"])


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
