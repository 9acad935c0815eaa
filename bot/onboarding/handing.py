"""Handing the step that waits for a file what a person has: from the shell (``attach``) or from the thread.

A file is wanted by a deposit that waits for one (My Console), and once more when a step that judged the file of such a
deposit has failed: then the deposit begins again with the better file, and all that builds on it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import select

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.asking import Asking, find
from bot.onboarding.errors import Refused
from bot.onboarding.flow import Flow
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Back
from bot.onboarding.packs import Packs
from bot.onboarding.store import Store, tried_again
from checklists.model import ChainParameters, Pack, Stage

ATTACHED, TAKES = "attached", "takes_file"

# These come after the file was judged: their failure says nothing about it.
AFTERWARDS: frozenset[Stage] = frozenset({"ofc", "delivery"})


class HandOver:
    """Gives a file to the step that waits for one."""

    def __init__(self, store: Store, packs: Packs, flow: Flow, asking: Asking) -> None:
        self._store = store
        self._packs = packs
        self._flow = flow
        self._asking = asking

    def wanted_by(self, key: str) -> str | None:
        """Return the id of the step that a file would go to now; None when none is wanted. Raises Unknown."""
        with self._store.reading() as session:
            onboarding = find(session, key)
            records = session.exec(select(StepRecord).where(StepRecord.onboarding_id == onboarding.id)).all()
            if onboarding.state != "open":
                return None
            return taker(records, self._packs.kept(onboarding.pack, onboarding.pack_digest))

    @tried_again
    def give(
        self,
        key: str,
        memory: Mapping[str, Any],
        *,
        actor: Actor,
        source: str | None = None,
        about: int | None = None,
    ) -> str:
        """Give a file to the step that waits for one; return that step's id. ``about``: the line that it came by.

        The partner's step takes it from a manager, and from the Data Base team. Raises Refused.
        """
        step_id = self.wanted_by(key)
        if step_id is None:
            raise Refused(say("refused.no_file_wanted", key=key.strip().upper()))
        with self._asking.step(key, step_id, actor, source, or_role="data_base") as asked:
            if asked is None:
                return step_id
            change, record = asked
            if taker(change.steps, change.pack) != step_id:
                raise Refused(say("refused.no_file_wanted", key=change.onboarding.key))
            again = record.state == "done"
            record.memory = {**record.memory, **memory} | ({"ticks": {}} if again else {})
            content = {"file": memory.get(ATTACHED)} | ({"about": about} if about is not None else {})
            change.note("file_attached", step=record, content=content)
            if again:
                # Whatever has judged the file before judges the new one.
                self._flow.settle(change, record, Back(step_id))
            else:
                self._flow.begin(change, record)
                self._flow.advance(change)
        return step_id


def taker(records: Sequence[StepRecord], pack: Pack) -> str | None:
    """Return the step among an onboarding's that takes a file now."""
    for record in records:
        if record.state in {"waiting", "failed"} and record.memory.get(TAKES):
            return record.step_id
    for record in records:
        # Only what a person gave can be given again: a partner's next file comes the way of the first.
        if record.state == "done" and ATTACHED in record.memory and _was_no_good(record, records, pack):
            return record.step_id
    return None


def _was_no_good(deposit: StepRecord, records: Sequence[StepRecord], pack: Pack) -> bool:
    """Tell whether a step has failed over a deposit's file: one of the chain's, or the follow-up in My Console."""
    return any(
        record.state == "failed" and record.position > deposit.position and _judges(record, pack) for record in records
    )


def _judges(record: StepRecord, pack: Pack) -> bool:
    parameters = pack.checklist.step(record.step_id).parameters
    if isinstance(parameters, ChainParameters):
        return not AFTERWARDS.issuperset(parameters.stages)
    return record.kind == "confirm"
