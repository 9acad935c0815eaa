"""Jira: the account, its rights in both projects, issue types, fields, the link's type, a way to the end, the token."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jira import JIRA, JIRAError

from bot.app import packs_of
from bot.doctor.finding import Finding, bad, good, said, warn
from bot.jira import issues, rest
from bot.jira.connection import JiraConnection, JiraRefused
from bot.jira.filling import Wanted, check, parent_of, ticket_of
from bot.jira.finding import is_cloud, newest_open
from bot.jira.people import find_person
from bot.jira.screen import Problem, Screen, ScreenRefuses
from bot.jira.settings import JiraSettings
from bot.jira.shaping import CannotHold, shaped
from bot.locales import say
from bot.onboarding.errors import OnboardingError, Unavailable
from bot.settings import Settings
from checklists.model import FieldType, FormField

# What the bot does in each project, by Jira's keys.
EVERYWHERE = ("BROWSE_PROJECTS", "CREATE_ISSUES", "ADD_COMMENTS", "CREATE_ATTACHMENTS", "LINK_ISSUES")
IN_ACTIVATIONS = ("TRANSITION_ISSUES", "RESOLVE_ISSUES")
# Without these something is left out, and the rest goes on.
WATCHING, SCHEDULING, EDITING = "MANAGE_WATCHERS", "SCHEDULE_ISSUES", "EDIT_ISSUES"
# How long before its end a token is spoken of.
AHEAD = timedelta(days=30)
# What the answers of a form field look like; a text may be anything.
SAMPLES: dict[FieldType, tuple[object, ...]] = {
    "integer": ("1",),
    "port": ("22",),
    "decimal": ("1.5",),
    "date": ("2027-03-15",),
    "period": ("202610",),
    "boolean": (True, False),
}


def jira(settings: Settings) -> Iterator[Finding]:
    """Look at JIRA__…"""
    if settings.jira is None:
        yield warn("jira", "jira_unset", "jira")
        return
    try:
        with JiraConnection(settings.jira).client() as client:
            kind = "Cloud" if is_cloud(client) else "Data Center"
            yield good("jira", "jira", "jira", name=client.myself().get("displayName"), kind=kind)
            yield from _token(settings.jira, client)
            yield from _project(client, parent_of(settings.jira, _own()), IN_ACTIVATIONS, settings.jira.watchers)
            yield from _end(client, settings.jira)
            wanted = ticket_of(settings.jira, _own(), {})
            yield from _project(client, wanted, (), settings.jira.database_watchers, wished=(EDITING,))
            yield from _answers(client, settings, wanted)
            yield _link_type(client, settings.jira.link_type)
    except JiraRefused as refused:
        advice = say("doctor.jira_refused.do")
        if refused.is_wrong_account:
            advice = say(refused.advice, url=settings.jira.url)
        yield said("jira", str(refused), advice, "jira")
    except Unavailable as lost:
        yield bad("jira", "jira_away", "jira", what=lost.reason, url=settings.jira.url)


def _own() -> dict[str, object]:
    return {"summary": "", "description": "", "labels": []}


def _token(settings: JiraSettings, client: JIRA) -> Iterator[Finding]:
    expires, today = settings.token_expires, datetime.now(UTC).date()
    if expires is None:
        if is_cloud(client):
            yield warn("jira token", "token_unknown", "token")
        return
    yield _token_until(expires, today)


def _token_until(expires: date, today: date) -> Finding:
    left = {"expires": expires.isoformat(), "days": (expires - today).days}
    if expires < today:
        # It has just been taken, so the setting is older than the token.
        return warn("jira token", "token_renewed", "token", **left)
    if expires - today <= AHEAD:
        return warn("jira token", "token_ends", "token", **left)
    return good("jira token", "token", "token", **left)


def _project(
    client: JIRA, wanted: Wanted, more: tuple[str, ...], watchers: list[str], *, wished: tuple[str, ...] = ()
) -> Iterator[Finding]:
    part = f"jira {wanted.project}"
    wished = (SCHEDULING, *((WATCHING,) if watchers else ()), *wished)
    asked = (*EVERYWHERE, *more, *wished)
    try:
        held = client.my_permissions(projectKey=wanted.project, permissions=",".join(asked))["permissions"]
    except JIRAError as error:
        if error.status_code != 404:
            raise
        project = {"project": wanted.project}
        yield said(part, say("jira.no_project", **project), say("jira.no_project_advice", **project), "project")
        return
    missing = [name for name in asked if not held.get(name, {}).get("havePermission")]
    needed = [name for name in missing if name not in wished]
    if needed:
        yield bad(part, "rights_missing", "rights", project=wanted.project, missing=", ".join(needed))
    else:
        yield good(part, "rights", "rights", project=wanted.project, count=len(asked) - len(missing))
    left_out = [name for name in missing if name in wished]
    if left_out:
        yield warn(f"{part} extras", "rights_wished", "rights", project=wanted.project, missing=", ".join(left_out))
    for named in watchers:
        if find_person(client, named) is None:
            yield warn(f"{part} watcher", "watcher_unknown", "watchers", named=named)
    yield from _screen(client, wanted)


def _screen(client: JIRA, wanted: Wanted) -> Iterator[Finding]:
    part = f"jira {wanted.project} fields"
    try:
        screen, problems = check(client, wanted)
    except ScreenRefuses as refused:
        yield said(part, refused.seen, refused.advice, "fields")
        return
    if not problems:
        yield good(part, "fields", "fields", issue_type=screen.issue_type, count=len(screen.fields))
    for problem in problems:
        yield said(part, problem.seen, problem.advice, "fields")


def _answers(client: JIRA, settings: Settings, wanted: Wanted) -> Iterator[Finding]:
    """Hold the forms' questions against the fields that they fill."""
    if not wanted.mapped:
        return
    try:
        screen, _ = check(client, wanted)
        packs = packs_of(settings)
        forms = [form for pack_id in packs.ids() for form in packs.get(pack_id).forms.values()]
    except OnboardingError:
        # Told already, of the project or of the packs.
        return
    asked = {field.id: field for form in forms for field in form.fields}
    names = {"operator", "partner", "client", "root", "key", "tax_ids"}
    for question in wanted.mapped.keys() - asked.keys() - names:
        yield warn(f"jira {wanted.project} fields", "question_unknown", "fields", question=question)
    for question, name in wanted.mapped.items():
        for problem in _misfits(asked.get(question), screen, name):
            yield said(f"jira {wanted.project} fields", problem.seen, problem.advice, "fields")


def _misfits(asked: FormField | None, screen: Screen, name: str) -> Iterator[Problem]:
    found = screen.named(name)
    if asked is None or len(found) != 1:
        return
    field = found[0]
    samples: tuple[object, ...] = asked.choices or SAMPLES.get(asked.type, ())
    if not samples and field.type in {"number", "date", "datetime"}:
        samples = (asked.example or asked.label.en,)
    for sample in samples:
        try:
            shaped(field, sample, lambda _: {})
        except CannotHold as cannot:
            yield cannot.problem


def _end(client: JIRA, settings: JiraSettings) -> Iterator[Finding]:
    """Is there a status in which the onboarding's own issue can end?"""
    try:
        kinds = rest.get(client, f"project/{settings.project}/statuses")
    except JIRAError as error:
        if error.status_code != 404:
            raise
        return
    part, wanted = f"jira {settings.project} end", settings.issue_type.casefold()
    named: dict[str, Any] = {"project": settings.project, "issue_type": settings.issue_type}
    kind = next((one for one in kinds if wanted in {str(one["name"]).casefold(), str(one["id"])}), None)
    if kind is None:
        yield warn(part, "end_unknown", "end", **named)
        return
    done = [
        str(status["name"]) for status in kind["statuses"] if (status.get("statusCategory") or {}).get("key") == "done"
    ]
    if not done:
        yield bad(part, "no_end", "end", **named)
        return
    yield good(part, "end", "end", statuses=", ".join(done))
    yield _way(client, settings, named)


def _way(client: JIRA, settings: JiraSettings, named: Mapping[str, Any]) -> Finding:
    """Is the bot's account offered a way to the end? Only an issue tells: the newest that is not done is looked at."""
    part = f"jira {settings.project} way"
    key = newest_open(client, settings.project, settings.issue_type)
    if key is None:
        return good(part, "way_unknown", "end", **named)
    transition, offered = issues.next_transition(client, key, settings.done_transition)
    if transition is None:
        return bad(part, "no_way", "end", issue=key, offered=", ".join(offered) or "—", **named)
    return good(part, "way", "end", issue=key, transition=transition)


def _link_type(client: JIRA, wanted: str) -> Finding:
    names = [str(kind.name) for kind in client.issue_link_types()]
    if wanted.casefold() in {name.casefold() for name in names}:
        return good("jira link", "link_type", "link", name=wanted)
    return bad("jira link", "no_link_type", "link", name=wanted, names=", ".join(names))
