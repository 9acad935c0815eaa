"""What a project takes when an issue is made in it: its issue types, and the fields of the create screen.

Jira calls it the create metadata. It shows what this account may set here and now, so it is read each time that an
issue is to be made: what an administrator has changed since is named before anything is written.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jira import JIRA, JIRAError

from bot.jira import rest
from bot.locales import say
from bot.onboarding.errors import OnboardingError
from checklists.model import LANGUAGES, Language, Localized


@dataclass(frozen=True)
class Problem:
    """One thing that keeps an issue from being made: what was seen, and what to do about it."""

    seen: Localized
    advice: Localized


class ScreenRefuses(OnboardingError):
    """The issue cannot be made as the settings say; every reason is named at once, and nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.seen.en for problem in problems))
        self.problems = tuple(problems)

    @property
    def seen(self) -> Localized:
        """All that was seen."""
        return joined([problem.seen for problem in self.problems])

    @property
    def advice(self) -> Localized:
        """All that is to be done, each thing once."""
        return joined(list(dict.fromkeys(problem.advice for problem in self.problems)))

    def text(self, language: Language) -> str:
        """Return it all on one line."""
        return f"{self.seen.text(language)} {self.advice.text(language)}"


@dataclass(frozen=True)
class ScreenField:
    """A field that may be set. ``type`` and ``items`` are those of Jira's schema; ``allowed`` is empty where any value
    is, else each choice has an ``id`` and a ``value`` or ``name``."""

    id: str
    name: str
    type: str
    items: str | None
    kind: str
    is_required: bool
    has_default: bool
    allowed: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        """The field as people and settings know it."""
        return self.name if self.name.casefold() == self.id.casefold() else f"{self.name} ({self.id})"


@dataclass(frozen=True)
class Screen:
    """The create screen of one issue type in one project."""

    project: str
    issue_type: str
    issue_type_id: str
    fields: tuple[ScreenField, ...]

    def named(self, name: str) -> list[ScreenField]:
        """Return the field of this id, or those of this name: two of one name are told apart by their ids alone."""
        by_id = [field for field in self.fields if field.id == name]
        return by_id or [field for field in self.fields if field.name.casefold() == name.strip().casefold()]


def read_screen(client: JIRA, project: str, issue_type: str) -> Screen:
    """Read a create screen. Raises ScreenRefuses for a project or issue type that is not there, and JIRAError."""
    path = f"issue/createmeta/{project}/issuetypes"
    try:
        kinds = list(rest.pages(client, path, "issueTypes", "values"))
    except JIRAError as error:
        # Data Center says 404 for a project that is not there, or not for this account; Cloud may say 400 as well.
        if error.status_code not in {400, 403, 404}:
            raise
        raise _no_project(project) from error
    found = [kind for kind in kinds if issue_type.casefold() in {str(kind["name"]).casefold(), str(kind["id"])}]
    if not found:
        offered = ", ".join(str(kind["name"]) for kind in kinds if not kind.get("subtask")) or "—"
        said = {"project": project, "issue_type": issue_type, "offered": offered}
        raise ScreenRefuses([Problem(say("jira.no_issue_type", **said), say("jira.no_issue_type_advice", **said))])
    kind = found[0]
    fields = rest.pages(client, f"{path}/{kind['id']}", "fields", "values")
    return Screen(project, str(kind["name"]), str(kind["id"]), tuple(_field(field) for field in fields))


def missing_field(client: JIRA, screen: Screen, name: str) -> Problem:
    """Say of a field that the screen does not show whether the site has it at all. Raises JIRAError."""
    known = {str(field[key]).casefold() for field in client.fields() for key in ("id", "name")}
    where = {"field": name, "project": screen.project, "issue_type": screen.issue_type}
    if name.strip().casefold() in known:
        return Problem(say("jira.field_not_on_screen", **where), say("jira.field_not_on_screen_advice", **where))
    return Problem(say("jira.no_field", **where), say("jira.no_field_advice", **where))


def joined(texts: Sequence[Localized], between: str = " ") -> Localized:
    """Return texts one after the other, in each language."""
    return Localized(**{language: between.join(text.text(language) for text in texts) for language in LANGUAGES})


def listed(values: Collection[str], most: int = 12) -> str:
    """Return the first values with commas between them."""
    shown = list(values)
    return ", ".join(shown[:most]) + (", …" if len(shown) > most else "")


def _no_project(project: str) -> ScreenRefuses:
    return ScreenRefuses(
        [Problem(say("jira.no_project", project=project), say("jira.no_project_advice", project=project))]
    )


def _field(given: Mapping[str, Any]) -> ScreenField:
    schema = given.get("schema") or {}
    return ScreenField(
        id=str(given.get("fieldId") or given.get("key")),
        name=str(given["name"]),
        type=str(schema.get("type", "")),
        items=schema.get("items"),
        kind=str(schema.get("custom", schema.get("system", ""))).rpartition(":")[2],
        is_required=bool(given.get("required")),
        has_default=bool(given.get("hasDefaultValue")),
        allowed=tuple(given.get("allowedValues") or ()),
    )
