"""The settings of Jira (``JIRA__…``)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class JiraSettings(BaseModel):
    """How the bot reaches Jira, and which projects, issue types and fields it writes.

    ``email`` belongs to an API token of Jira Cloud; without it the token is a Data Center personal access token.
    ``mirror`` is how the own issue shows the steps beside its comments; ``subtask_type`` the issue type of sub-tasks.
    ``fields`` maps a form field's id to a custom field's id, such as ``{"client_root": "customfield_10101"}``.
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
