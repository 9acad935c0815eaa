"""What a Jira site consists of: people, projects, statuses, fields, issues and what hangs on them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

JsonObject = dict[str, Any]

# What a field holds and which form it takes in JSON; "text" is one line (255), "textarea" several (32,767).
FieldKind = Literal[
    "summary",
    "text",
    "textarea",
    "labels",
    "option",
    "number",
    "date",
    "user",
    "priority",
    "components",
    "fixed",
]


@dataclass(frozen=True)
class Account:
    """A user of the site. Data Center knows people by ``name`` (the user name) and ``key``, Cloud by ``account_id``."""

    name: str
    display_name: str
    email: str
    key: str
    account_id: str = ""
    active: bool = True


@dataclass(frozen=True)
class Named:
    """A value of a fixed list with an id: an issue type (perhaps of sub-tasks), a resolution, a priority."""

    id: str
    name: str
    description: str = ""
    is_subtask: bool = False


@dataclass(frozen=True)
class StatusCategory:
    """One of Jira's three: ``new``, ``indeterminate``, ``done``."""

    id: int
    key: str
    name: str
    color: str


@dataclass(frozen=True)
class Status:
    """A status of the workflow and its category."""

    id: str
    name: str
    category: StatusCategory


@dataclass(frozen=True)
class Transition:
    """A step of a workflow. ``asks_resolution`` is a screen with the required field Resolution."""

    id: str
    name: str
    origins: tuple[str, ...]
    target: str
    asks_resolution: bool = False
    clears_resolution: bool = False


@dataclass(frozen=True)
class LinkType:
    """How two issues are related, read from either side."""

    id: str
    name: str
    inward: str
    outward: str


@dataclass(frozen=True)
class Field:
    """A field of the site, system or custom. ``options`` are the values of a select list, in order."""

    id: str
    name: str
    kind: FieldKind
    clauses: tuple[str, ...] = ()
    options: tuple[Named, ...] = ()
    schema_type: str = "string"
    schema_items: str | None = None
    custom_type: str | None = None

    @property
    def is_custom(self) -> bool:
        """Whether an administrator made it."""
        return self.custom_type is not None


@dataclass(frozen=True)
class Project:
    """A project with its workflow and its screens, which name the fields that may be set, and those that must be."""

    id: str
    key: str
    name: str
    lead: str
    issue_types: tuple[Named, ...]
    workflow: tuple[Transition, ...]
    create_screen: tuple[str, ...]
    edit_screen: tuple[str, ...]
    first_status: str = "To Do"
    components: tuple[Named, ...] = ()
    required_fields: tuple[str, ...] = ()


@dataclass
class Comment:
    """A comment in wiki markup. ``visibility`` is Jira's ``{"type": "role", "value": …}``."""

    id: str
    author: str
    body: str
    created: datetime
    updated: datetime
    update_author: str
    visibility: JsonObject | None = None
    properties: list[JsonObject] = field(default_factory=list)


@dataclass(frozen=True)
class Attachment:
    """A file of an issue with its content."""

    id: str
    author: str
    filename: str
    media_type: str
    content: bytes
    created: datetime


@dataclass(frozen=True)
class Link:
    """A link between two issues: ``source`` relates to ``target`` in the type's outward words."""

    id: str
    type: LinkType
    source: str
    target: str


@dataclass
class RemoteLink:
    """A link to something outside Jira; ``global_id`` makes it unique on its issue."""

    id: int
    global_id: str | None
    target: JsonObject
    application: JsonObject
    relationship: str | None


@dataclass(frozen=True)
class Change:
    """An entry of the history: who changed which fields, ``(field, from, to)``."""

    id: str
    author: str
    created: datetime
    items: tuple[tuple[str, str | None, str | None], ...]


@dataclass
class Issue:
    """An issue. ``values`` holds what was set by field id; a value's type follows from the field's kind.

    ``parent`` is the key of the issue that a sub-task belongs to.
    """

    id: str
    key: str
    project: Project
    type: Named
    creator: str
    status: Status
    created: datetime
    updated: datetime
    values: dict[str, Any] = field(default_factory=dict)
    resolution: Named | None = None
    resolved: datetime | None = None
    comments: list[Comment] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    remote_links: list[RemoteLink] = field(default_factory=list)
    properties: dict[str, Any] = field(default_factory=dict)
    watchers: list[str] = field(default_factory=list)
    history: list[Change] = field(default_factory=list)
    parent: str | None = None

    def snapshot(self) -> "Issue":
        """Return the issue as it is now; later changes do not show in it."""
        return replace(
            self,
            values=dict(self.values),
            comments=[replace(each) for each in self.comments],
            attachments=list(self.attachments),
            remote_links=[replace(each) for each in self.remote_links],
            properties=dict(self.properties),
            watchers=list(self.watchers),
            history=list(self.history),
        )

    @property
    def number(self) -> int:
        """The number in the key."""
        return int(self.key.rpartition("-")[2])
