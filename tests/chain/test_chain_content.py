"""What a file is by its first bytes."""

from pathlib import Path

import pytest

from pipeline.content import content_of, was_text_mode_transfer

JET = b"\x00\x01\x00\x00Standard Jet DB\x00\x01" + bytes(2000)


@pytest.mark.parametrize(
    ("content", "code", "kind"),
    [
        (JET, None, "Jet"),
        (JET.replace(b"Jet", b"ACE"), "ACCDB_NOT_MDB", "ACE"),
        (b"MZ\x90\x00", "EXE_UPLOADED", "EXE"),
        (b"PK\x03\x04" + bytes(26) + b"a.mdb", "ARCHIVE_UPLOADED", "ZIP"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "XLS_CSV_UPLOADED", "XLSX"),
        (b"Rar!\x1a\x07", "ARCHIVE_UPLOADED", "RAR"),
        (b"7z\xbc\xaf\x27\x1c", "ARCHIVE_UPLOADED", "7z"),
        (b"\x1f\x8b\x08", "ARCHIVE_UPLOADED", "gzip"),
        (b"%PDF-1.7\n", "PDF_OR_XML_UPLOADED", "PDF"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "PDF_OR_XML_UPLOADED", "XML"),
        ("<?xml version='1.0'?>".encode("utf-16"), "PDF_OR_XML_UPLOADED", "XML"),
        (b"<fe:Facturae xmlns:fe='x'>", "PDF_OR_XML_UPLOADED", "XML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "XLS_CSV_UPLOADED", "XLS"),
        (b"a;b\r\n1;2\r\n", "XLS_CSV_UPLOADED", "CSV"),
        ("año,b\n1,2\n".encode("cp1252"), "XLS_CSV_UPLOADED", "CSV"),
        (b"hello world\n", "NOT_ACCESS", "unknown"),
        (b"", "NOT_ACCESS", "unknown"),
        (bytes(range(256)) * 20, "NOT_ACCESS", "unknown"),
    ],
)
def test_content_is_known_by_its_first_bytes(content: bytes, code: str | None, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.mdb"
    path.write_bytes(content)
    found = content_of(path)
    assert (found.code, found.kind) == (code, kind)


def test_a_text_mode_transfer_is_told_from_a_cut_one(samples: Path, october: Path, tmp_path: Path) -> None:
    assert was_text_mode_transfer(samples / "broken/ascii_mode/202610_ACME-IBERICA_SOFIA.mdb", 4096)
    assert not was_text_mode_transfer(samples / "broken/truncated_mid_page/202610_ACME-IBERICA_SOFIA.mdb", 4096)
    assert not was_text_mode_transfer(october, 4096)
    other_way = tmp_path / "unix.mdb"
    other_way.write_bytes(b"x\n" * 3001)
    assert was_text_mode_transfer(other_way, 4096)
