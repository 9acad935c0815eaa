"""Asking the partner for test invoices, and waiting for the first file (procedure, section 4).

Over FTP the file is waited for in the partner's folder. Through My Console the person who deposits it follows the
pack's guided fields, confirms the upload, and hands the same file to the bot (in the thread, or ``attach``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from bot.locales import say
from bot.onboarding.handing import ATTACHED, TAKES
from bot.onboarding.outcomes import Done, Evidence, Fact, Outcome, Waiting, fact
from bot.onboarding.transfer import Transfer
from bot.onboarding.work import Work
from bot.steps.arrival import observe, remembered
from bot.steps.console import chain_wants_file, guided_facts, request_text, upload_boxes
from bot.steps.directory import translated
from bot.steps.invitation import Invitations, invite
from bot.steps.layout import Layout
from bot.steps.lookouts import folder_signal
from checklists.model import DepositParameters, Localized, OptionValue
from checklists.model import Step as StepDefinition


@dataclass(frozen=True)
class Connection:
    """What a partner needs to know to reach its folder: ``username_of`` its code. Never a password."""

    protocol: str
    host: str
    port: int
    username_of: Callable[[str], str | None]


class DepositStep:
    """Asks once, then looks into the folder until a file has arrived whole."""

    parameters: type[BaseModel] = DepositParameters

    def __init__(
        self,
        transfer: Transfer,
        invitations: Invitations,
        connection: Connection,
        *,
        root: str,
        poll_seconds: float,
        stable_polls: int,
    ) -> None:
        self._transfer = transfer
        self._invitations = invitations
        self._connection = connection
        self._root = root
        self._poll_seconds = poll_seconds
        self._stable_polls = stable_polls

    def begin(self, definition: StepDefinition, options: Mapping[str, OptionValue]) -> None:
        """There is a partner to ask."""
        del definition, options

    def run(self, work: Work) -> Outcome:
        """Ask, then look for the file."""
        if ATTACHED in work.memory:
            return self._attached(work)
        if work.view.options.get("deposit", "ftp") != "ftp":
            return self._through_console(work)
        layout = Layout.of(work.view, self._root)
        text = self._request(work, layout)
        invite(work, self._invitations, say("deposit.subject", operator=work.view.operator, key=work.view.key), text)
        with translated(layout), self._transfer.session() as session:
            arrived, seen = observe(session.entries(layout.incoming), remembered(work.memory), polls=self._stable_polls)
        if arrived is None:
            arriving = ", ".join(sorted(seen))
            note = say("deposit.arriving", files=arriving) if seen else say("deposit.waiting", path=layout.relative)
            return Waiting(
                on="partner",
                note=note,
                poll=self._poll_seconds,
                copy=None if work.step.state == "waiting" else text,
                memory={"seen": seen},
                signal=folder_signal(layout.incoming),
            )
        facts = (fact("file", arrived.name), fact("size", f"{arrived.size} B"), fact("incoming", layout.incoming))
        found = {"name": arrived.name, "size": arrived.size, "modified": arrived.modified}
        return Done(Evidence(facts=facts), memory={"seen": seen, "file": found})

    def _request(self, work: Work, layout: Layout) -> Localized:
        files = work.pack.files
        return say(
            "deposit.request",
            operator=work.view.operator,
            client=work.view.client,
            key=work.view.key,
            protocol=self._connection.protocol.upper(),
            host=self._connection.host,
            port=self._connection.port,
            username=self._connection.username_of(layout.partner) or "—",
            path=f"{layout.relative}/in",
            example=files.example if files else "—",
        )

    def _through_console(self, work: Work) -> Outcome:
        text = request_text(work)
        invite(work, self._invitations, say("deposit.subject", operator=work.view.operator, key=work.view.key), text)
        takes_file = chain_wants_file(work)
        return Waiting(
            on=work.definition.role,
            note=say("console.waiting" if takes_file else "console.waiting_boxes", key=work.view.key),
            copy=text,
            evidence=Evidence(facts=guided_facts(work)),
            memory={TAKES: takes_file, "offered_ticks": [box.model_dump() for box in upload_boxes()]},
        )

    def _attached(self, work: Work) -> Outcome:
        attached = work.memory[ATTACHED]
        facts = [
            fact("file", attached["name"]),
            fact("size", f"{attached['size']} B"),
            fact("sha256", attached["sha256"]),
        ]
        for box in work.step.ticks:
            if box.by is not None and box.at is not None:
                when = f"{box.by}, {box.at:%Y-%m-%d %H:%M} UTC"
                facts.append(Fact(box.tick.label, when))
        return Done(Evidence(facts=tuple(facts)), memory={TAKES: False})
