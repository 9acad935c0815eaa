"""The partner's directories: made over SFTP, FTPS or FTP, then proved by logging in as the partner.

The bot makes directories and sets modes, nothing else: accounts and the partner's own folder are the
administrator's, and where they are not right the step fails with the command to run.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.errors import StepFailed
from bot.onboarding.outcomes import Done, Evidence, Fact, Outcome, Waiting, fact
from bot.onboarding.transfer import (
    CertificateUnknown,
    HostKeyUnknown,
    LoginRefused,
    NotOffered,
    PathDenied,
    PathMissing,
    RemoteEntry,
    Transfer,
    TransferError,
    TransferSession,
)
from bot.onboarding.work import Work
from bot.steps.layout import CONNECTION_TEST, INCOMING_MODE, SETGID, Layout
from bot.steps.lookouts import folder_signal
from checklists.model import DirectoryParameters, OptionValue
from checklists.model import Step as StepDefinition

PROBE = b"onboarding-bot connection test\n"


class DirectoryStep:
    """Makes the layout of ``bot.steps.layout`` and proves that the partner can use it and nothing more."""

    parameters: type[BaseModel] = DirectoryParameters

    def __init__(self, transfer: Transfer, *, root: str, poll_seconds: float) -> None:
        self._transfer = transfer
        self._root = root
        self._poll_seconds = poll_seconds

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There are directories to make."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Make what is missing, then prove it."""
        layout = Layout.of(work.view, self._root)
        with translated(layout), self._transfer.session() as session:
            doubts = self._make(work, session, layout)
            made = Evidence(facts=(fact("incoming", layout.incoming), fact("outgoing", layout.outgoing), *doubts))
            access = self._transfer.partner_session(layout.partner)
            if access is None:
                return self._wait_for_partner(session, layout, made)
            others = _other_folders(session, layout)
        try:
            with access as partner:
                proofs = prove(partner, layout, others)
        except LoginRefused as refused:
            raise StepFailed(
                "AUTH",
                say("directory.login_refused", account=refused.path, partner=layout.partner),
                say("directory.login_refused_advice", partner=layout.partner),
            ) from refused
        return Done(Evidence(facts=(*made.facts, *proofs)))

    def _make(self, work: Work, session: TransferSession, layout: Layout) -> list[Fact]:
        """Make what is missing; return what the protocol or the server left unset or unseen (FTP may do both)."""
        folder = session.entry(layout.partner_folder)
        command = f"install -d -m 2770 -g <group of {layout.partner}> {layout.partner_folder}"
        if folder is None or not folder.is_directory:
            raise StepFailed(
                "DIR",
                say("directory.no_folder", path=layout.partner_folder, partner=layout.partner),
                say("directory.run_command", command=command),
            )
        if folder.mode is not None and not folder.mode & SETGID:
            raise StepFailed(
                "DIR",
                say("directory.no_setgid", path=layout.partner_folder, mode=f"{folder.mode:04o}"),
                say("directory.run_command", command=f"chmod g+s {layout.partner_folder}"),
            )
        wanted = [(path, mode, folder.gid) for path, mode in layout.directories()]
        wanted += [(path, mode, None) for path, mode in layout.private_directories()]
        unset = [
            f"{mode:04o} {path}"
            for path, mode, group in wanted
            if not self._ensure(work, session, path, mode, group=group)
        ]
        unseen = [name for name, seen in (("mode", folder.mode), ("group", folder.gid)) if seen is None]
        doubts = [fact("modes_not_set", ", ".join(unset))] if unset else []
        return [*doubts, fact("rights_not_shown", ", ".join(unseen))] if unseen else doubts

    def _ensure(self, work: Work, session: TransferSession, path: str, mode: int, *, group: int | None) -> bool:
        """Make one directory with its mode; False where the server has no means to set it."""

        def look() -> str | None:
            return path if session.entry(path) else None

        def make() -> str:
            if session.entry(path) is None:
                session.make_directory(path, mode)
            return path

        work.once(f"mkdir:{path}", look=look, do=make)
        entry = session.entry(path)
        settable = True
        if entry is None:
            # Made before and removed since: by hand, or with its whole tree. It is made again.
            settable = session.make_directory(path, mode)
        elif entry.mode != mode:
            settable = session.set_mode(path, mode)
        entry = session.entry(path)
        # What cannot be set or seen is evidence and no failure: the login as the partner proves what it comes to.
        wrong_mode = entry is not None and settable and entry.mode not in {None, mode}
        wrong_group = entry is not None and group is not None and entry.gid not in {None, group}
        if entry is None or wrong_mode or wrong_group:
            raise StepFailed(
                "DIR",
                say("directory.wrong_mode", path=path, wanted=f"{mode:04o}", mode=_mode_of(entry)),
                say("directory.wrong_mode_advice", path=path),
            )
        return settable or entry.mode == mode

    def _wait_for_partner(self, session: TransferSession, layout: Layout, made: Evidence) -> Outcome:
        """Without the partner's credential, its own test file is the proof (design, "The directory")."""
        test = session.entry(f"{layout.incoming}/{CONNECTION_TEST}")
        if test is None:
            asked = say("directory.ask_test", file=CONNECTION_TEST, path=f"{layout.relative}/in")
            return Waiting(
                on="partner",
                note=say("directory.waiting_test", file=CONNECTION_TEST),
                copy=asked,
                evidence=made,
                poll=self._poll_seconds,
                signal=folder_signal(layout.incoming),
            )
        dropped = datetime.fromtimestamp(test.modified, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        owner = self._transfer.owner_name(test)
        return Done(Evidence(facts=(*made.facts, fact("test_file_owner", owner), fact("test_file_time", dropped))))


@contextmanager
def translated(layout: Layout) -> Iterator[None]:
    """Turn the file server's refusals into failures of the step, with what to do."""
    try:
        yield
    except LoginRefused as refused:
        raise StepFailed(
            "AUTH", say("transfer.login_refused", account=refused.path), say("transfer.login_refused_advice")
        ) from refused
    except CertificateUnknown as unknown:
        raise StepFailed(
            "CERTIFICATE", say("transfer.certificate", reason=unknown.reason), say("transfer.certificate_advice")
        ) from unknown
    except HostKeyUnknown as unknown:
        raise StepFailed(
            "HOST_KEY", say("transfer.host_key", reason=unknown.reason), say("transfer.host_key_advice")
        ) from unknown
    except NotOffered as lacking:
        raise StepFailed(
            "SERVER",
            say("transfer.not_offered", server=lacking.path, reason=lacking.reason),
            say("transfer.not_offered_advice"),
        ) from lacking
    except TransferError as refused:
        raise StepFailed(
            "DIR",
            say("transfer.refused", path=refused.path, reason=refused.reason),
            say("transfer.refused_advice", path=refused.path, folder=layout.partner_folder),
        ) from refused


def prove(partner: TransferSession, layout: Layout, others: list[str]) -> list[Fact]:
    """Do as the partner what it must be able to do, and try what it must not. Raises StepFailed."""
    base = _base_of(partner, layout)
    incoming, outgoing = f"{base}/in", f"{base}/out"
    with tempfile.TemporaryDirectory() as scratch:
        probe = Path(scratch) / "probe"
        probe.write_bytes(PROBE)
        dropped = f"{incoming}/.{layout.key.lower()}-connection-test"
        try:
            partner.entries(incoming)
            partner.put(probe, dropped)
            partner.remove(dropped)
        except (PathDenied, PathMissing) as refused:
            raise StepFailed(
                "DIR",
                say("directory.cannot_drop", path=incoming, partner=layout.partner, reason=refused.reason),
                say("directory.cannot_drop_advice", path=layout.incoming, mode=f"{INCOMING_MODE:04o}"),
            ) from refused
        try:
            partner.entries(outgoing)
        except (PathDenied, PathMissing) as refused:
            raise StepFailed(
                "DIR",
                say("directory.cannot_read", path=outgoing, partner=layout.partner, reason=refused.reason),
                say("directory.cannot_read_advice", path=layout.outgoing),
            ) from refused
        forbidden = f"{outgoing}/.{layout.key.lower()}-connection-test"
        if _allows(lambda: partner.put(probe, forbidden)):
            partner.remove(forbidden)
            raise StepFailed(
                "DIR_OPEN",
                say("directory.can_write_out", path=outgoing, partner=layout.partner),
                say("directory.can_write_out_advice", path=layout.outgoing),
            )
    for other in others:
        if _allows(partial(partner.entries, other)):
            raise StepFailed(
                "DIR_OPEN",
                say("directory.can_see_other", path=other, partner=layout.partner),
                say("directory.can_see_other_advice", path=other),
            )
    return [
        fact("partner_login", layout.partner),
        fact("partner_drop", incoming),
        fact("partner_read", outgoing),
        fact("partner_refused_out", outgoing),
        fact("partner_refused_others", ", ".join(others) or "—"),
    ]


def _base_of(partner: TransferSession, layout: Layout) -> str:
    """Find the layout as the partner sees it: under its full path, or at the top of its chroot."""
    for base in (f"{layout.partner_folder}/{layout.relative}", f"/{layout.relative}"):
        try:
            if partner.entry(f"{base}/in") is not None:
                return base
        except (PathDenied, PathMissing):
            continue
    raise StepFailed(
        "DIR",
        say("directory.not_visible", partner=layout.partner, path=layout.relative),
        say("directory.not_visible_advice", path=layout.partner_folder),
    )


def _other_folders(session: TransferSession, layout: Layout) -> list[str]:
    """Return what the partner must not see: the bot's own folder and, if there is one, another partner's."""
    siblings = [
        f"{layout.root}/{entry.name}"
        for entry in session.entries(layout.root or "/")
        if entry.is_directory and entry.name not in {layout.partner, ".onboarding"} and not entry.name.startswith(".")
    ]
    return [f"{layout.root}/.onboarding", *siblings[:1]]


def _mode_of(entry: RemoteEntry | None) -> str:
    return "—" if entry is None or entry.mode is None else f"{entry.mode:04o}"


def _allows(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except (PathDenied, PathMissing):
        return False
    return True
