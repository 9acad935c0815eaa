"""The fields of an issue that is to be made, checked against the project's create screen before anything is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from jira import JIRA

from bot.jira.people import find_person, person_field
from bot.jira.screen import Problem, Screen, ScreenField, ScreenRefuses, missing_field, read_screen
from bot.jira.settings import JiraSettings
from bot.jira.shaping import CannotHold, can_fill, shaped
from bot.locales import say

# Jira fills these in by itself, or the request names them apart.
NOT_ASKED_FOR = frozenset({"project", "issuetype", "reporter"})


@dataclass(frozen=True)
class Wanted:
    """What an issue shall hold.

    ``own`` is in Jira's form already (summary, description, labels). ``mapped`` gives the field that an answer fills,
    by id or name as the settings write it, and ``answers`` what was answered. ``fixed`` are texts by field.
    """

    project: str
    issue_type: str
    own: Mapping[str, Any] = field(default_factory=dict)
    mapped: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, object] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    priority: str | None = None
    components: Sequence[str] = ()
    due: date | None = None


def parent_of(settings: JiraSettings, own: Mapping[str, Any], due: date | None = None) -> Wanted:
    """Return what an onboarding's own issue shall hold by the settings."""
    return Wanted(
        project=settings.project,
        issue_type=settings.issue_type,
        own=own,
        fixed=settings.fixed,
        priority=settings.priority,
        components=settings.components,
        due=due,
    )


def ticket_of(
    settings: JiraSettings, own: Mapping[str, Any], answers: Mapping[str, object], due: date | None = None
) -> Wanted:
    """Return what the ticket to the Data Base team shall hold by the settings."""
    return Wanted(
        project=settings.database_project,
        issue_type=settings.database_issue_type,
        own=own,
        mapped=settings.fields,
        answers=answers,
        fixed=settings.database_fixed,
        priority=settings.database_priority,
        components=settings.database_components,
        due=due,
    )


def fields_of(client: JIRA, wanted: Wanted) -> dict[str, Any]:
    """Return the fields of the create request. Raises ScreenRefuses with everything that is wrong, and JIRAError."""
    screen = read_screen(client, wanted.project, wanted.issue_type)
    filled: dict[str, Any] = {}
    problems: list[Problem] = []
    for each in _entries(client, screen, wanted):
        if isinstance(each, Problem):
            problems.append(each)
        else:
            filled[each[0]] = each[1]
    problems += _unfilled(screen, filled, wanted)
    if problems:
        raise ScreenRefuses(list(dict.fromkeys(problems)))
    return {"project": {"key": screen.project}, "issuetype": {"id": screen.issue_type_id}, **filled}


def check(client: JIRA, wanted: Wanted) -> tuple[Screen, list[Problem]]:
    """Look at the screen without any answers: are the fields of the settings there, of types that can be filled, and
    does the screen ask for nothing else? Raises ScreenRefuses for a project or issue type, and JIRAError."""
    screen = read_screen(client, wanted.project, wanted.issue_type)
    problems: list[Problem] = []
    will_be: dict[str, Any] = {}
    for name in wanted.mapped.values():
        found = _the_one(client, screen, name)
        if isinstance(found, Problem):
            problems.append(found)
            continue
        will_be[found.id] = ...
        if not can_fill(found):
            problems.append(_cannot_fill(found))
    for each in _entries(client, screen, wanted):
        if isinstance(each, Problem):
            problems.append(each)
        else:
            will_be[each[0]] = each[1]
    return screen, list(dict.fromkeys([*problems, *_unfilled(screen, will_be, wanted)]))


def _entries(client: JIRA, screen: Screen, wanted: Wanted) -> Iterator[tuple[str, Any] | Problem]:
    """Give each field's id with its value, or what is wrong with it; what is answered wins over what is fixed."""

    def person(named: str) -> Mapping[str, str] | None:
        found = find_person(client, named)
        return None if found is None else person_field(client, found)

    for name, value in wanted.own.items():
        yield (name, value) if screen.named(name) else missing_field(client, screen, name)
    if wanted.due is not None and screen.named("duedate"):
        # A date that a project does not show, or this account may not set, keeps no issue from being made.
        yield "duedate", wanted.due.isoformat()
    values: list[tuple[str, object]] = list(wanted.fixed.items())
    if wanted.priority is not None:
        values.append(("priority", wanted.priority))
    if wanted.components:
        values.append(("components", list(wanted.components)))
    values += [
        (name, wanted.answers[asked])
        for asked, name in wanted.mapped.items()
        if wanted.answers.get(asked) not in (None, "", [])
    ]
    for name, value in values:
        found = _the_one(client, screen, name)
        if isinstance(found, Problem):
            yield found
            continue
        try:
            yield found.id, shaped(found, value, person)
        except CannotHold as cannot:
            yield cannot.problem


def _the_one(client: JIRA, screen: Screen, name: str) -> ScreenField | Problem:
    found = screen.named(name)
    if not found:
        return missing_field(client, screen, name)
    if len(found) > 1:
        said = {"field": name, "ids": ", ".join(each.id for each in found)}
        return Problem(say("jira.field_twice", **said), say("jira.field_twice_advice", **said))
    return found[0]


def _unfilled(screen: Screen, filled: Mapping[str, Any], wanted: Wanted) -> list[Problem]:
    """Name the required fields that would be sent without a value."""
    mapped = {each.id: asked for asked, name in wanted.mapped.items() for each in screen.named(name)}
    problems: list[Problem] = []
    for each in screen.fields:
        if not each.is_required or each.has_default or each.id in NOT_ASKED_FOR or each.id in filled:
            continue
        said = {"field": each.title, "project": screen.project, "asked": mapped.get(each.id, "")}
        if each.id in mapped:
            problems.append(Problem(say("jira.required_unanswered", **said), say("jira.required_unanswered_advice")))
        else:
            problems.append(
                Problem(say("jira.required_unfilled", **said), say("jira.required_unfilled_advice", **said))
            )
    return problems


def _cannot_fill(found: ScreenField) -> Problem:
    try:
        shaped(found, "", lambda _: None)
    except CannotHold as cannot:
        return cannot.problem
    raise AssertionError(f"{found.id} can be filled")
