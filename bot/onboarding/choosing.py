"""The statuses of a manual step: each one that was chosen stays, with who and when, until the one that ends it."""

from datetime import timedelta
from typing import Any

from bot.locales import say
from bot.onboarding import due_rows
from bot.onboarding.change import Change
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Done, Evidence, Fact, Failed, Outcome, Waiting
from checklists.model import Choice, Localized

STATUSES = "statuses"
# So many of the latest are shown; the trail has them all.
MOST_SHOWN = 12


def chosen(change: Change, record: StepRecord, choice: Choice) -> Outcome:
    """Return what a chosen status comes to, and note it, though it be the same as the day before."""
    definition, language = change.definition(record), change.onboarding.language
    entry: dict[str, Any] = {
        "choice": choice.id,
        "label": choice.label.model_dump(),
        "by": change.actor.name,
        "at": change.now.isoformat(),
    }
    history = [*record.memory.get(STATUSES, ()), entry]
    change.note("status_chosen", step=record, content={"choice": choice.id, "seen": choice.label.model_dump()})
    evidence = Evidence(
        facts=(
            Fact(say("fact.status"), choice.label.text(language)),  # type: ignore[arg-type]
            Fact(say("fact.confirmed_by"), change.actor.name),
            *(_told(before, language) for before in history[-MOST_SHOWN:-1]),
        )
    )
    memory = {STATUSES: history}
    status = say("confirm.status_is", status=choice.label)
    if record.note == status.model_dump():
        # The same once more is news too: somebody has looked.
        day = change.working_time.day(change.now)
        status = say("console.status_still", status=choice.label, day=day.isoformat())
    match choice.outcome:
        case "done":
            return Done(evidence, memory=memory)
        case "wait":
            _look_tomorrow(change, record)
            return Waiting(on=definition.role, note=status, evidence=evidence, memory=memory)
        case "fail":
            console = definition.kind == "confirm" and change.onboarding.options.get("deposit") == "console"
            advice = say("console.file_error_advice") if console else say("confirm.failed_advice")
            return Failed("STATUS", status, advice, evidence, memory=memory)


def _told(entry: dict[str, Any], language: str) -> Fact:
    label = Localized.model_validate(entry["label"]).text(language)  # type: ignore[arg-type]
    moment = entry["at"][:16].replace("T", " ")
    return Fact(say("fact.status_before"), f"{label} ({entry['by']}, {moment} UTC)")


def _look_tomorrow(change: Change, record: StepRecord) -> None:
    """An interim status is looked at again on the next working day: until then nobody is late with it."""
    definition, working = change.definition(record), change.working_time
    if definition.due is not None:
        tomorrow = working.day_after(working.day(change.now), 1)
        record.due_on = max(record.due_on or tomorrow, tomorrow)
        change.session.add(record)
    subject = due_rows.reminder(record.step_id)
    row = change.row(subject)
    if definition.remind is not None and row is not None:
        at = max(row.due_at, working.opening(working.day(change.now) + timedelta(days=1)))
        change.set_time(subject, at, run=record.run, attempts=0)
