"""The stages before anything is opened: arrival (size, lock file, known content), name, and header."""

from pathlib import Path

from checklists.model import Severity
from pipeline.content import was_text_mode_transfer
from pipeline.findings import Finding
from pipeline.mdb import MdbError, read_header
from pipeline.workbench import Workbench

LOCK_SUFFIXES = (".ldb", ".laccdb")


def judge_arrival(bench: Workbench) -> list[Finding]:
    """Judge size, a lock file beside the database, and content that was integrated before."""
    make = bench.findings.make
    if bench.size == 0:
        return [make("FILE_EMPTY", "arrival", {"size": 0})]
    found: list[Finding] = []
    if bench.size > bench.files.max_bytes:
        return [make("TOO_BIG", "arrival", {"size": bench.size, "limit": bench.files.max_bytes})]
    lock = lock_beside(bench.file)
    if lock is not None:
        found.append(make("LDB_PRESENT", "arrival", {"lock": lock.name}))
    loaded = bench.registry.file_loaded(bench.sha256) if bench.registry else None
    if loaded is not None:
        found.append(make("DUP_FILE", "arrival", {"date": loaded.isoformat()}))
    return found


def lock_beside(file: Path) -> Path | None:
    """Return the lock file of the same base name in the same folder, without case."""
    wanted = {(file.stem + suffix).casefold() for suffix in LOCK_SUFFIXES}
    return next((other for other in sorted(file.parent.iterdir()) if other.name.casefold() in wanted), None)


def judge_name(bench: Workbench) -> list[Finding]:
    """Judge the naming rule. Where the content is known to be another file, renaming it would not help."""
    name, rule = bench.file.name, bench.naming
    if rule.accepts(name, bench.client):
        return []
    evidence = {"name": name, "expected": rule.expected(name, bench.client), "extension": rule.extension}
    variant = "other_content" if bench.size and bench.content.is_other_file else None
    found = [bench.findings.make("BAD_NAME", "name", evidence, variant=variant)]
    if not rule.has_extension(name):
        found.append(bench.findings.make("BAD_EXTENSION", "name", evidence, variant=variant))
    return found


def judge_header(bench: Workbench) -> list[Finding]:
    """Judge what the file is, and for a Jet database its version, password, encoding and whole pages."""
    make = bench.findings.make
    content = bench.content
    found: list[Finding] = []
    if content.code is not None and not _is_expected_ace(bench):
        found.append(make(content.code, "header", {"name": bench.file.name, "kind": content.kind}))
        if found[0].stops:
            return found
    try:
        header = read_header(bench.file)
    except MdbError as error:
        return [*found, bench.unreadable(error.code, str(error), "header")]
    if bench.size % header.page_size:
        if was_text_mode_transfer(bench.file, header.page_size):
            return [*found, make("ASCII_MODE", "header", {"size": bench.size})]
        evidence = {"size": bench.size, "page_size": header.page_size}
        found.append(make("MDB_TRUNCATED", "header", evidence, variant="size"))
    elif bench.size < 2 * header.page_size:
        found.append(make("FILE_EMPTY", "header", {"size": bench.size}))
    if content.code is None and header.format not in bench.files.formats:
        expected = ", ".join(bench.files.formats)
        found.append(make("JET_VERSION", "header", {"format": header.format, "expected": expected}))
    for present, code, policy in (
        (header.has_password, "MDB_PASSWORD", bench.files.password),
        (header.encoded, "MDB_ENCODED", bench.files.encoded),
    ):
        if present and policy != "allow":
            severity: Severity = policy
            found.append(make(code, "header", {}, severity=severity))
    return found


def _is_expected_ace(bench: Workbench) -> bool:
    """Tell whether the file is of a recent Access whose version the pack expects."""
    try:
        return bench.content.kind == "ACE" and read_header(bench.file).format in bench.files.formats
    except MdbError:
        return False
