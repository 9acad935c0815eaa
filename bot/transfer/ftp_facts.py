"""The facts that MLSD and MLST tell of an entry (RFC 3659, section 7.5), as the port has them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from bot.onboarding.transfer import RemoteEntry

# What the bot cannot do without, and what servers on Unix add, which it uses where it is.
NEEDED_FACTS = ("type", "size", "modify")
UNIX_FACTS = ("unix.mode", "unix.owner", "unix.group", "unix.uid", "unix.gid")

PERMISSIONS = 0o7777

Facts = Mapping[str, str]


def read_facts(written: str) -> Facts:
    """Read the facts of one entry: ``type=file;size=12;``."""
    pairs = (fact.partition("=") for fact in written.split(";"))
    return {name.lower(): value for name, _, value in pairs if name}


def entry_of(name: str, facts: Facts) -> RemoteEntry:
    """Return what a listing tells of one name."""
    mode = facts.get("unix.mode", "")
    return RemoteEntry(
        name=name,
        is_directory=facts.get("type", "").lower() in {"dir", "cdir", "pdir"},
        size=_number(facts.get("size")) or 0,
        mode=int(mode, 8) & PERMISSIONS if mode and set(mode) <= set("01234567") else None,
        uid=_number(facts.get("unix.owner", facts.get("unix.uid"))),
        gid=_number(facts.get("unix.group", facts.get("unix.gid"))),
        modified=_unix_time(facts.get("modify", "")),
    )


def is_file(facts: Facts) -> bool:
    """Tell a regular file from a directory and from a link."""
    return facts.get("type", "").lower() == "file"


def _number(written: str | None) -> int | None:
    return int(written) if written is not None and written.isascii() and written.isdigit() else None


def _unix_time(written: str) -> int:
    """Read ``20261124083200`` or ``20261124083200.123``, UTC (RFC 3659, section 2.3)."""
    try:
        return int(datetime.strptime(written[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0
