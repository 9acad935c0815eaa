"""The settings of Jira (``JIRA__…``)."""

import json
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import NoDecode


def _listed(given: object) -> object:
    """Read names as the environment writes them: with commas between them, or as JSON."""
    if not isinstance(given, str):
        return given
    return json.loads(given) if given.lstrip().startswith("[") else [n.strip() for n in given.split(",") if n.strip()]


Listed = Annotated[list[str], NoDecode, BeforeValidator(_listed)]


class JiraSettings(BaseModel):
    """How the bot reaches Jira, and which projects, issue types and fields it writes.

    ``email`` belongs to an API token of Jira Cloud; without it the token is a Data Center personal access token.
    ``mirror`` is how the own issue shows the steps beside its comments; ``subtask_type`` the issue type of sub-tasks.
    ``fields`` maps a form field's id to a field of the ticket, by its id or its name: ``{"client_root":
    "customfield_10101", "partner_code": "Partner code"}``. ``fixed`` gives fields the same value each time, such as
    ``{"Cost centre": "TELECOM"}``: what a project demands and no form asks. What begins with ``database_`` is about the
    ticket to the Data Base team, the rest about the onboarding's own issue. ``watchers`` are mail addresses, user names
    (Data Center) or account ids (Cloud). ``token_expires`` is the last day of the token, which Jira does not tell.
    """

    model_config = ConfigDict(extra="forbid")

    url: str = Field(pattern=r"^https?://\S+$")
    token: SecretStr
    email: str | None = None
    project: str = Field(min_length=1)
    issue_type: str = "Task"
    database_project: str = Field(min_length=1)
    database_issue_type: str = "Task"
    fields: dict[str, str] = Field(default_factory=dict)
    fixed: dict[str, str] = Field(default_factory=dict)
    database_fixed: dict[str, str] = Field(default_factory=dict)
    priority: str | None = None
    database_priority: str | None = None
    components: Listed = Field(default_factory=list)
    database_components: Listed = Field(default_factory=list)
    watchers: Listed = Field(default_factory=list)
    database_watchers: Listed = Field(default_factory=list)
    token_expires: date | None = None
    link_type: str = "Relates"
    done_transition: str | None = None
    webhook_secret: SecretStr | None = None
    mirror: Literal["none", "comment", "subtasks"] = "none"
    subtask_type: str | None = None
    poll_seconds: float = Field(default=60, gt=0)
    index_grace_seconds: float | None = Field(default=None, ge=0)
    timeout_seconds: float = Field(default=20, gt=0)

    @property
    def is_cloud(self) -> bool:
        """Whether the token is one of Jira Cloud."""
        return self.email is not None

    @property
    def grace_seconds(self) -> float:
        """How long the search may miss a new issue: Cloud's index lags, Data Center's does not."""
        if self.index_grace_seconds is not None:
            return self.index_grace_seconds
        return 180.0 if self.is_cloud else 0.0
