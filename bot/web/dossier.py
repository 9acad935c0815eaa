"""The dossier: an onboarding from its start to its sign-off on one page that needs nothing but itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.drawing.figures import duration
from bot.locales import catalogue, say
from bot.onboarding.models import Event
from bot.onboarding.outcomes import Fact, FindingEvidence
from bot.onboarding.view import OnboardingView, StepView, evidence_from_json, localized
from bot.web.pages import Pages, sentence
from bot.web.timeline import Course, courses, draw
from checklists.model import Form, Language, Localized

# The addresses of these steps are the partner's own signed links: a dossier is passed around, they are not.
WITH_SECRET_LINK = frozenset({"form", "ask"})

# What a reader looks for first when something did not go straight.
TROUBLES = frozenset(
    {
        "step_failed",
        "step_retried",
        "step_skipped",
        "replacement_decided",
        "went_back",
        "refused",
        "cancelled",
        "reopened",
    }
)

# Lines that keep what people read as a sentence.
SAID_IN_A_SENTENCE = frozenset(
    {
        "step_reminded",
        "step_escalated",
        "reminder_unsent",
        "deadline_near",
        "deadline_passed",
        "assigned",
        "due_changed",
        "noted",
        "confirmed",
        "confirmation_withdrawn",
        "ticket_followed",
        "ticket_comment",
        "ticket_reply_sent",
        "ticket_reply_unsent",
        "ticket_gone",
        "surface_gone",
        "surface_refused",
        "subtask_gone",
        "addition_missed",
        "letter_unsent",
    }
)

MOST_FACTS = 3
SHOWN_OF_HASH = 12
# Where everything took less than this, in seconds, steps tell their times to the second.
A_SHORT_WHILE = 3600


@dataclass(frozen=True)
class TrailLine:
    """A line of the trail as people read it."""

    event: Event
    actor_id: str
    what: str
    step: str
    detail: str
    advice: str
    findings: tuple[FindingEvidence, ...]

    @property
    def short_hash(self) -> str:
        """The hash's beginning, enough to compare by eye."""
        return self.event.hash[:SHOWN_OF_HASH]


@dataclass(frozen=True)
class StepEntry:
    """A step with its course and the lines about what went wrong on the way."""

    number: int
    step: StepView
    course: Course
    facts: tuple[Fact, ...]
    link: str | None
    lasted: str
    troubles: tuple[TrailLine, ...]


@dataclass(frozen=True)
class AnswerEntry:
    """A question of the form or of the start, and its answer in words."""

    label: str
    value: str


def render_dossier(
    view: OnboardingView,
    events: Sequence[Event],
    language: Language,
    *,
    chain_intact: bool,
    answers: Mapping[str, Any] | None = None,
    form: Form | None = None,
) -> str:
    """Return the page as HTML: printable, with its style and its drawing inside, and no resource from elsewhere.

    ``events`` is the whole trail, ``chain_intact`` what its check came to. ``answers`` (by field id) are shown with
    the labels of ``form``.
    """
    lines = tuple(trail_lines(view, events, language))
    by_step = courses(view, events)
    entries = tuple(
        StepEntry(
            number=number,
            step=step,
            course=by_step[step.id],
            facts=_facts(step),
            link=_public_link(step),
            lasted=duration(by_step[step.id].seconds, language) if by_step[step.id].ended else "",
            troubles=tuple(line for line in lines if line.event.step == step.id and line.event.kind in TROUBLES),
        )
        for number, step in enumerate(view.steps, 1)
    )
    return Pages().text(
        "dossier.html",
        language,
        view=view,
        entries=entries,
        lines=lines,
        troubles=tuple(line for line in lines if line.event.kind in TROUBLES),
        drawing=draw(view, events, language),
        chain_intact=chain_intact,
        answers=tuple(_answers(form, answers, language)) if form and answers else (),
        links={name: surface.link for name, surface in view.surfaces.items() if _is_address(surface.link)},
        state=say(f"onboarding.{view.state}").text(language),
        state_name=lambda state: say(f"state.{state}").text(language),
        role_name=lambda role: say(f"role.{role}").text(language),
        options=tuple(_options(view, language)),
        precise=bool(events) and (events[-1].at - events[0].at).total_seconds() < A_SHORT_WHILE,
        zone=view.pack.checklist.time_zone,
    )


def trail_lines(view: OnboardingView, events: Sequence[Event], language: Language) -> Iterator[TrailLine]:
    """Read the trail's lines for people, in one language."""
    titles = {step.id: step.definition.title.text(language) for step in view.steps}
    for event in events:
        detail = _detail(view, event, language)
        findings = evidence_from_json(event.content.get("evidence") or {}).findings
        known = f"web.event.{event.kind}"
        yield TrailLine(
            event=event,
            actor_id=str(event.content.get("actor", "")),
            what=say(known).text(language) if known in catalogue() else event.kind,
            step=titles.get(event.step, event.step) if event.step else "",
            detail=detail,
            advice=_words(event.content.get("advice"), language),
            # A failure by one finding says what the finding says.
            findings=tuple(finding for finding in findings if finding.message.text(language) not in detail),
        )


def _detail(view: OnboardingView, event: Event, language: Language) -> str:
    """Return what a line says in a few words: why, which boxes, which files."""
    content = event.content
    detail: Localized | str | None = None
    match event.kind:
        case "step_failed":
            detail = f"{content.get('code')}: {_words(content.get('seen'), language)}"
        case "step_waiting" | "step_asks":
            detail = localized(content.get("note"))
        case kind if kind in SAID_IN_A_SENTENCE:
            detail = localized(content.get("seen"))
        case "reminder_snoozed":
            detail = content.get("until")
        case "step_skipped" | "cancelled" | "replacement_decided" | "reopened":
            detail = content.get("reason")
        case "ticket_reply":
            detail = content.get("text")
        case "refused":
            detail = localized(content.get("text"))
        case "ticked":
            detail = _ticked(view, event, language)
        case "step_done" | "ticket_moved":
            detail = _proof(content.get("evidence") or {}, language)
        case "surface_opened":
            detail = content.get("surface")
        case "list_left_out" | "addition_left_out" | "addition_missed":
            detail = f"{content.get('file')} ({content.get('surface')}): {content.get('reason')}"
        case _:
            detail = _given(event, language)
    return detail.text(language) if isinstance(detail, Localized) else detail or ""


def _given(event: Event, language: Language) -> str:
    """Return what a line says of what people gave: files, notes, statuses."""
    content = event.content
    match event.kind:
        case "file_attached":
            file = content.get("file")
            return f"{file['name']} (SHA-256 {file['sha256']})" if file else ""
        case "tick_noted" | "file_checked" | "file_not_taken" | "status_chosen":
            return "; ".join(filter(None, (_words(content.get("seen"), language), _files(content))))
        case "tick_explained":
            return f"{_words(content.get('seen'), language)}: {content.get('reason')}"
        case "file_dropped" | "proof_given":
            return ", ".join(str(file["name"]) for file in content.get("files", ()))
    return ""


def _files(content: Mapping[str, Any]) -> str:
    files = evidence_from_json(content.get("evidence") or {}).files
    return ", ".join(f"{file.name} (SHA-256 {file.sha256})" for file in files)


def _words(kept: Mapping[str, Any] | None, language: Language) -> str:
    text = localized(kept)
    return text.text(language) if text else ""


def _ticked(view: OnboardingView, event: Event, language: Language) -> str:
    labels: dict[str, str] = {}
    if event.step:
        labels = {box.tick.id: box.tick.label.text(language) for box in view.step(event.step).ticks}
    content = event.content
    added = [f"☑ {labels.get(tick, tick)}" for tick in content.get("added", ())]
    removed = [f"☐ {labels.get(tick, tick)}" for tick in content.get("removed", ())]
    return "; ".join([*added, *removed])


def _proof(kept: Mapping[str, Any], language: Language) -> str:
    evidence = evidence_from_json(kept)
    facts = [f"{fact.label.text(language)}: {fact.value}" for fact in evidence.facts[:MOST_FACTS]]
    return "; ".join([*facts, *(file.name for file in evidence.files)])


def _facts(step: StepView) -> tuple[Fact, ...]:
    """Return what was seen, without what the step's own boxes already say."""
    boxes = {box.tick.label for box in step.ticks}
    return tuple(fact for fact in step.evidence.facts if fact.label not in boxes)


def _public_link(step: StepView) -> str | None:
    return step.link if step.definition.kind not in WITH_SECRET_LINK and _is_address(step.link) else None


def _is_address(link: str | None) -> bool:
    return link is not None and link.startswith(("https://", "http://"))


def _options(view: OnboardingView, language: Language) -> Iterator[AnswerEntry]:
    for option in view.pack.checklist.options:
        if option.id in view.options:
            yield AnswerEntry(option.label.text(language), _in_words(view.options[option.id], language))


def _answers(form: Form, answers: Mapping[str, Any], language: Language) -> Iterator[AnswerEntry]:
    for asked in form.fields:
        if answers.get(asked.id) not in (None, "", []):
            yield AnswerEntry(asked.label.text(language), _in_words(answers[asked.id], language))


def _in_words(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return sentence(language, "yes" if value else "no")
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
