"""The partners' file server: its key or certificate, the account, and what the bot may do in the root."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bot.doctor.finding import Finding, bad, good, said, warn
from bot.locales import say
from bot.onboarding.errors import OnboardingError
from bot.onboarding.transfer import HostKeyUnknown, TransferError, TransferSession
from bot.settings import Settings
from bot.transfer.build import build_transfer
from bot.transfer.settings import TransferSettings

# Where picked-up files go, below the root; and what the doctor writes and removes again.
KEPT, TRIAL = ".onboarding", ".onboarding-doctor"
SETGID = 0o2000


def file_server(settings: Settings) -> Iterator[Finding]:
    """Look at TRANSFER__…"""
    transfer = settings.transfer
    if transfer is None:
        yield warn("sftp", "files_unset", "files")
        return
    if transfer.protocol == "ftp":
        yield warn("ftp without encryption", "ftp_readable", "files", host=transfer.host)
    try:
        with build_transfer(transfer).session() as session:
            yield from _root(session, transfer)
    except HostKeyUnknown as unknown:
        yield said(transfer.protocol, str(unknown), say("doctor.host_key.do", host=transfer.host), "host_key")
    except OnboardingError as wrong:
        yield said(transfer.protocol, str(wrong), say(f"doctor.files_refused_{transfer.protocol}.do"), "files")


def _root(session: TransferSession, transfer: TransferSettings) -> Iterator[Finding]:
    protocol, root = transfer.protocol, transfer.root
    entry = session.entry(root)
    if protocol == "ftps":
        by = transfer.ca_file or "—"
        yield good("ftps certificate", "certificate", "host_key", host=transfer.host, by=by)
    elif protocol == "sftp":
        known = transfer.known_hosts or Path("~/.ssh/known_hosts")
        yield good("host key", "host_key", "host_key", host=transfer.host, file=known)
    if entry is None:
        yield bad(protocol, "root_missing", "files", root=root)
        return
    yield good(protocol, "root", "files", root=root)
    if None in {entry.mode, entry.gid}:
        yield warn(f"{protocol} rights", "modes_hidden", "rights_root")
    else:
        yield from _partners(session, root)
    yield _writing(session, root)


def _partners(session: TransferSession, root: str) -> Iterator[Finding]:
    """Have the partners' directories kept the bit that hands their group down?"""
    try:
        found = [each for each in session.entries(root) if each.is_directory and not each.name.startswith(".")]
    except TransferError as refused:
        yield said("rights in the root", str(refused), say("doctor.root_refused.do", root=root), "rights_root")
        return
    without = [each.name for each in found if each.mode is not None and not each.mode & SETGID]
    if without:
        names = ", ".join(without[:10]) + (", …" if len(without) > 10 else "")
        yield warn("partners' directories", "setgid_lost", "setgid", names=names, count=len(without))


def _writing(session: TransferSession, root: str) -> Finding:
    """Write a small file where the bot will keep what it has picked up, and remove it."""
    base = root.rstrip("/")
    kept = f"{base}/{KEPT}"
    try:
        where = kept if session.entry(kept) is not None else base
        with tempfile.TemporaryDirectory() as place:
            trial = Path(place) / TRIAL
            trial.write_text("onboarding-bot doctor\n", "ascii")
            try:
                session.put(trial, f"{where}/{TRIAL}")
            finally:
                with suppress(TransferError):
                    session.remove(f"{where}/{TRIAL}")
    except TransferError as refused:
        return said("rights in the root", str(refused), say("doctor.root_refused.do", root=root), "rights_root")
    return good("rights in the root", "root_writable", "rights_root", where=where or "/")
