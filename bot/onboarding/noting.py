"""What people say and prove beside the boxes of a manual step: notes, links, files, and why a box was unticked."""

from collections.abc import Sequence

from bot.locales import say
from bot.onboarding.actors import Actor
from bot.onboarding.asking import Asking
from bot.onboarding.change import Change
from bot.onboarding.errors import Invalid, Refused
from bot.onboarding.given import PROOF, GivenFile, remember
from bot.onboarding.models import StepRecord
from bot.onboarding.notes import (
    LONGEST_LINK,
    LONGEST_NOTE,
    MOST_FILES,
    PROOF_BYTES,
    WITHDRAWN,
    Note,
    NotedFile,
    notes_of,
    runs,
    with_note,
    with_withdrawn,
    withdrawn_of,
)
from bot.onboarding.outcomes import Evidence, FileEvidence, number
from bot.onboarding.store import tried_again
from bot.onboarding.view import offered_ticks
from checklists.model import Localized

# A step that nobody has come to has nothing to prove; one that was set aside neither.
NOTHING_TO_PROVE = frozenset({"pending", "not_applicable", "skipped"})


class Noting:
    """Takes notes and proofs, and reasons. Whoever may act on the step may, and a manager."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    @tried_again
    def add(
        self,
        key: str,
        step_id: str,
        *,
        item: str | None = None,
        text: str = "",
        link: str = "",
        given: Sequence[GivenFile] = (),
        proofs: Sequence[FileEvidence] = (),
        actor: Actor,
        source: str | None = None,
    ) -> bool:
        """Keep a note, a link or files about a box, or about the whole step where ``item`` is None.

        ``given`` are files that a job fetches; ``proofs`` lie on the bot's disk already. False when it is a repeat.
        Raises Invalid (a text for each field that is wrong), Refused.
        """
        check(text=text, link=link, files=[*given, *proofs])
        with self._asking.step(key, step_id, actor, source, or_role="manager") as asked:
            if asked is None:
                return False
            change, record = asked
            title = change.definition(record).title
            if record.state in NOTHING_TO_PROVE:
                raise Refused(say("proof.no_step", step=title, state=say(f"state.{record.state}")))
            offered = [tick.id for tick in offered_ticks(record, change.definition(record))]
            if item is not None and item not in offered:
                raise Refused(say("refused.no_tick", tick=item, ticks=", ".join(offered) or "—"))
            text, link = text.strip(), link.strip()
            if given:
                line = remember(change, PROOF, given, step_id=step_id, item=item, text=text, link=link)
                files = tuple(NotedFile(name=file.name, size=file.size) for file in given)
                keep(change, record, Note(**_said(item, text, link, actor), seq=line.seq, at=change.now, files=files))
            else:
                told(change, record, item=item, text=text, link=link, proofs=proofs)
            return True

    @tried_again
    def explain(
        self, key: str, step_id: str, seq: int, reason: str, *, actor: Actor, source: str | None = None
    ) -> bool:
        """Say why boxes were unticked, by the trail's line ``seq``; False when it is a repeat. Raises Refused."""
        with self._asking.step(key, step_id, actor, source, or_role="manager") as asked:
            if asked is None:
                return False
            change, record = asked
            explain(change, record, seq, reason)
            return True


def check(*, text: str, link: str, files: Sequence[GivenFile | FileEvidence]) -> None:
    """Raise Invalid, with a text for each field, when a note says nothing, too much, or comes with what it must not."""
    wrong: dict[str, Localized] = {}
    if not text.strip() and not link.strip() and not files:
        wrong["text"] = say("proof.nothing")
    if len(text) > LONGEST_NOTE:
        wrong["text"] = say("proof.text_long", given=number(len(text)), most=number(LONGEST_NOTE))
    if link.strip() and (not link.strip().startswith(("https://", "http://")) or len(link) > LONGEST_LINK):
        wrong["link"] = say("proof.link", most=number(LONGEST_LINK))
    if len(files) > MOST_FILES:
        wrong["file"] = say("proof.many", given=len(files), most=MOST_FILES)
    refused = [said for file in files if (said := objection(file.name, file.size)) is not None]
    if refused:
        wrong["file"] = _together(refused)
    if wrong:
        raise Invalid(_together(list(wrong.values())), wrong)


def objection(name: str, size: int, beginning: bytes = b"") -> Localized | None:
    """Return why a file is no proof, by its name, its size in bytes and its first bytes; None when it may be one."""
    if runs(name, beginning):
        return say("proof.program", name=name)
    if size > PROOF_BYTES:
        return say("proof.big", name=name, size=number(size // 1024**2), most=PROOF_BYTES // 1024**2)
    return say("proof.empty", name=name) if size == 0 else None


def keep(change: Change, record: StepRecord, note: Note) -> None:
    """Put a note into its step's memory."""
    record.memory = with_note(record.memory, note)
    change.session.add(record)


def told(
    change: Change,
    record: StepRecord,
    *,
    item: str | None,
    text: str,
    link: str,
    proofs: Sequence[FileEvidence] = (),
    refused: Sequence[tuple[NotedFile, Localized]] = (),
    about: int | None = None,
) -> None:
    """Put a note on the trail and into the step's memory, where the surfaces tell it.

    ``refused`` are files that were no good; ``about`` is the line that announced it, whose place the note takes.
    """
    labels = {tick.id: tick.label for tick in offered_ticks(record, change.definition(record))}
    parts = [part for part in (text, link) if part]
    said = say("proof.said", item=labels[item], text=" · ".join(parts)) if item in labels and item else None
    content = {
        "item": item,
        "text": text,
        "link_given": link,
        "seen": (said or Localized.same(" · ".join(parts) or "—")).model_dump(),
        "advice": _together([why for _, why in refused]).model_dump() if refused else None,
        "evidence": Evidence(files=tuple(proofs)).as_json(),
        "about": about,
    }
    line = change.note("tick_noted", step=record, content=content)
    earlier = next((note for note in notes_of(record.memory) if note.seq == about), None)
    files = [NotedFile(name=proof.name, size=proof.size, sha256=proof.sha256) for proof in proofs]
    files += [file for file, _ in refused]
    note = Note(
        **_said(item, text, link, change.actor),
        seq=about if about is not None else line.seq,
        at=earlier.at if earlier else change.now,
        files=tuple(files),
    )
    keep(change, record, note)


def explain(change: Change, record: StepRecord, seq: int, reason: str) -> None:
    """Put the reason why boxes were unticked by line ``seq`` on the trail. Raises Refused without one."""
    if not reason.strip():
        raise Refused(say("refused.no_reason"))
    reason = reason.strip()[:LONGEST_NOTE]
    withdrawn = [one for one in withdrawn_of(record.memory).values() if one.seq == seq]
    labels = {tick.id: tick.label for tick in offered_ticks(record, change.definition(record))}
    seen = [labels[one.item] for one in withdrawn if one.item in labels]
    content = {"reason": reason, "unticked": seq, "seen": _together(seen).model_dump() if seen else None}
    change.note("tick_explained", step=record, content=content)
    if withdrawn:
        # Boxes that somebody has ticked again in the meantime need no reason any more; the trail keeps it.
        explained = [one.model_copy(update={"reason": reason}) for one in withdrawn]
        record.memory = with_withdrawn(record.memory, explained, set())
        change.session.add(record)


def unexplained(record: StepRecord) -> list[int]:
    """Return the lines by which boxes were unticked that nobody has given a reason for yet."""
    return sorted({one.seq for one in withdrawn_of(record.memory).values() if one.reason is None})


def _said(item: str | None, text: str, link: str, actor: Actor) -> dict[str, str | None]:
    return {"item": item, "text": text, "link": link, "by": actor.name}


def _together(texts: Sequence[Localized]) -> Localized:
    return Localized(
        fr="\n".join(text.fr for text in texts),
        en="\n".join(text.en for text in texts),
        es="\n".join(text.es for text in texts),
    )


__all__ = ["WITHDRAWN", "Noting", "check", "explain", "keep", "objection", "told", "unexplained"]
