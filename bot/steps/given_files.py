"""The job behind a file that somebody gave: fetch it, decide what it is for, and answer once.

A file in the thread goes to the step that waits for one, as ``attach`` gives it, when such a step waits and the file
is called a database; the step then answers with what the chain found. A spreadsheet goes to the form that waits, and
what is wrong with it is answered at once, all of it. Any other file is checked and thrown away. What
was waited for decides, so that a zip or a note cannot end the waiting, and a file on the FTP path never takes the way
that is being tested.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import OperationalError

from bot.locales import say
from bot.onboarding.errors import Refused, Unavailable
from bot.onboarding.flow import Flow
from bot.onboarding.given import (
    DROPPED,
    SUBJECT,
    Fetched,
    Gift,
    GivenFile,
    GivenFiles,
    NotTaken,
    Sheets,
    is_answered,
    is_sheet,
    read_gift,
    safe_name,
)
from bot.onboarding.handing import ATTACHED
from bot.onboarding.models import Onboarding, Received
from bot.onboarding.notes import PROOF_BYTES, NotedFile
from bot.onboarding.noting import told
from bot.onboarding.outcomes import FileEvidence
from bot.onboarding.packs import Packs
from bot.onboarding.ports import Job
from bot.onboarding.retry import Backoff
from bot.onboarding.service import Onboardings
from bot.onboarding.store import Store
from bot.onboarding.turns import Turns
from bot.steps.dropped import ConfigurationError, DroppedCheck, is_database
from bot.steps.layout import LocalFiles
from bot.steps.proofs import keep_proof
from checklists.model import Localized, Pack

log = structlog.stdlib.get_logger()

# A form has some hundred cells; whatever is bigger is none.
SHEET_BYTES = 5 * 1024 * 1024


class GivenFileWorker:
    """Fetches and answers. Run again after a kill it comes to the same end, once."""

    def __init__(
        self,
        store: Store,
        packs: Packs,
        flow: Flow,
        onboardings: Onboardings,
        place: GivenFiles,
        check: DroppedCheck,
        sheets: Sheets,
        files: LocalFiles,
        backoff: Backoff,
        turns: Turns,
    ) -> None:
        self._store = store
        self._packs = packs
        self._flow = flow
        self._onboardings = onboardings
        self._place = place
        self._check = check
        self._sheets = sheets
        self._files = files
        self._backoff = backoff
        self._turns = turns

    def run(self, job: Job) -> str:
        """Answer one gift; return in a word what came of it. Raises PackGone."""
        seq = int(job.subject.partition(":")[2])
        with self._turns.of(SUBJECT, job.onboarding_id, seq):
            with self._store.reading() as session:
                onboarding = session.get_one(Onboarding, job.onboarding_id)
                gift = read_gift(session, job.onboarding_id, seq)
            if gift is None:
                shutil.rmtree(self._files.passing(onboarding.key, seq), ignore_errors=True)
                self._forget(job)
                return "over"
            pack = self._packs.kept(onboarding.pack, onboarding.pack_digest)
            with structlog.contextvars.bound_contextvars(onboarding=onboarding.key, given=seq):
                return self._answered(job, onboarding, pack, gift)

    def _answered(self, job: Job, onboarding: Onboarding, pack: Pack, gift: Gift) -> str:
        try:
            if gift.kind == DROPPED:
                return self._dropped(job, onboarding, pack, gift)
            return self._proved(job, onboarding, gift)
        except Unavailable as away:
            if not self._is_last_try(job, away):
                return "later"
            refused = NotTaken(say("given.unreachable", service=away.service, reason=away.reason))
        except NotTaken as not_taken:
            refused = not_taken
        except OperationalError:
            # The database is locked or away: that says nothing about the file, so the job is tried again.
            raise
        except ConfigurationError as wrong:
            refused = NotTaken(say("chain.configuration", what=str(wrong)))
        except Exception as unexpected:
            log.exception("given_file_broke")
            refused = NotTaken(say("given.broke", what=type(unexpected).__name__))
        if gift.kind == DROPPED:
            self._not_taken(job, gift, refused.text)
        else:
            self._note(job, gift, [], [(file, refused.text) for file in gift.files])
        return "not_taken"

    def _dropped(self, job: Job, onboarding: Onboarding, pack: Pack, gift: Gift) -> str:
        [file] = gift.files
        if is_sheet(file.name) and (self._form_waits(onboarding) or self._is_taken(onboarding, gift)):
            return self._filled_in(job, onboarding, gift, file)
        if pack.files is None:
            raise NotTaken(say("given.no_chain", operator=onboarding.operator))
        passing = self._files.passing(onboarding.key, gift.seq)
        fetched = self._place.fetch(file, passing, most=pack.files.max_bytes)
        name = safe_name(file.name)
        if self._onboardings.handing.wanted_by(onboarding.key) is not None and is_database(name):
            self._hand_over(job, onboarding, gift, name, fetched)
            shutil.rmtree(passing, ignore_errors=True)
            return "handed_over"
        named = _named(fetched, passing, name)
        try:
            seen, advice, evidence = self._check.run(onboarding, pack, named)
        finally:
            shutil.rmtree(passing, ignore_errors=True)
        content = {"seen": seen.model_dump(), "advice": advice.model_dump(), "evidence": evidence.as_json()}
        self._answer(job, gift, "file_checked", content)
        return "checked"

    def _filled_in(self, job: Job, onboarding: Onboarding, gift: Gift, file: GivenFile) -> str:
        """Give a spreadsheet to the form that waits. Raises NotTaken with all that is wrong with it."""
        name, passing = safe_name(file.name), self._files.passing(onboarding.key, gift.seq)
        if not self._is_taken(onboarding, gift):
            try:
                named = _named(self._place.fetch(file, passing, most=SHEET_BYTES), passing, name)
                self._sheets.take_given(
                    onboarding.key, named, actor=gift.actor, name=name, source=_source(onboarding, gift)
                )
            finally:
                shutil.rmtree(passing, ignore_errors=True)
        seen = say("given.filled_in", name=name)
        self._answer(job, gift, "file_checked", {"seen": seen.model_dump()})
        return "filled_in"

    def _form_waits(self, onboarding: Onboarding) -> bool:
        steps = self._onboardings.view(onboarding.key).steps
        return any(step.definition.kind == "form" and step.state == "waiting" for step in steps)

    def _is_taken(self, onboarding: Onboarding, gift: Gift) -> bool:
        """Tell whether a run that was killed before its answer had taken the spreadsheet."""
        with self._store.reading() as session:
            return session.get(Received, _source(onboarding, gift)) is not None

    def _hand_over(self, job: Job, onboarding: Onboarding, gift: Gift, name: str, fetched: Fetched) -> None:
        kept = self._files.attached(onboarding.key) / fetched.sha256[:16] / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        fetched.path.replace(kept)
        attached = {"name": name, "path": str(kept), "size": fetched.size, "sha256": fetched.sha256}
        try:
            self._onboardings.handing.give(onboarding.key, {ATTACHED: attached}, actor=gift.actor, about=gift.seq)
        except Refused as refused:
            # Somebody was faster: another file was given, or the onboarding was ended.
            self._not_taken(job, gift, refused.text)
        self._forget(job)

    def _proved(self, job: Job, onboarding: Onboarding, gift: Gift) -> str:
        proofs: list[FileEvidence] = []
        refused: list[tuple[GivenFile, Localized]] = []
        for position, file in enumerate(gift.files):
            passing = self._files.passing(onboarding.key, gift.seq) / str(position)
            try:
                fetched = self._place.fetch(file, passing, most=PROOF_BYTES)
                proofs.append(keep_proof(self._files, onboarding.key, file.name, fetched))
            except NotTaken as not_taken:
                refused.append((file, not_taken.text))
        shutil.rmtree(self._files.passing(onboarding.key, gift.seq), ignore_errors=True)
        self._note(job, gift, proofs, refused)
        return "proved"

    def _note(
        self, job: Job, gift: Gift, proofs: list[FileEvidence], refused: list[tuple[GivenFile, Localized]]
    ) -> None:
        said: Mapping[str, Any] = gift.content
        with self._flow.change(job.onboarding_id, gift.actor) as change:
            change.unschedule(job.subject)
            if is_answered(change.session, job.onboarding_id, gift.seq):
                return
            language: Any = change.onboarding.language
            told(
                change,
                change.step(str(gift.step_id)),
                item=said["item"],
                text=said["text"],
                link=said["link"],
                proofs=proofs,
                refused=[
                    (NotedFile(name=file.name, size=file.size, refused=why.text(language)), why)
                    for file, why in refused
                ],
                about=gift.seq,
            )

    def _not_taken(self, job: Job, gift: Gift, why: Localized) -> None:
        names = ", ".join(file.name for file in gift.files)
        content = {"seen": say("given.not_taken", name=names).model_dump(), "advice": why.model_dump()}
        self._answer(job, gift, "file_not_taken", content)

    def _answer(self, job: Job, gift: Gift, kind: str, content: Mapping[str, Any]) -> None:
        with self._flow.change(job.onboarding_id) as change:
            change.unschedule(job.subject)
            if not is_answered(change.session, job.onboarding_id, gift.seq):
                change.note(kind, content={**content, "about": gift.seq})

    def _is_last_try(self, job: Job, away: Unavailable) -> bool:
        log.warning("given_file_away", service=away.service, reason=away.reason)
        with self._flow.change(job.onboarding_id) as change:
            tries = change.attempts(job.subject) + 1
            if self._backoff.is_exhausted(tries):
                return True
            seconds = max(self._backoff.seconds(tries), away.retry_after or 0)
            change.schedule(job.subject, seconds, attempts=tries)
            return False

    def _forget(self, job: Job) -> None:
        with self._flow.change(job.onboarding_id) as change:
            change.unschedule(job.subject)


def _named(fetched: Fetched, passing: Path, name: str) -> Path:
    """Give a fetched file the name that people know it by: what reads it goes by its ending."""
    named = passing / "file" / name
    named.parent.mkdir(parents=True, exist_ok=True)
    fetched.path.replace(named)
    return named


def _source(onboarding: Onboarding, gift: Gift) -> str:
    return f"given:{onboarding.key}:{gift.seq}"
