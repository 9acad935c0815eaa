"""All settings: ``onboarding.toml``, then the environment (``ONBOARDING_…``, ``__`` between levels).

Lists in the environment are written with commas or as JSON, mappings as JSON. Each part of the bot owns the model of
its own settings; this module only puts them together.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bot.jira.settings import JiraSettings
from bot.mail.settings import SmtpSettings
from bot.onboarding.errors import SettingsError
from bot.probes.settings import ProbeSettings
from bot.slack.settings import SlackSettings
from bot.transfer.settings import TransferSettings
from bot.web.settings import WebSettings
from checklists.model import Language, Role

ENVIRONMENT_PREFIX = "ONBOARDING_"
FILE = Path("onboarding.toml")


def _listed(given: object) -> object:
    """Read a list as people write it in the environment: JSON, or names with commas between them."""
    if not isinstance(given, str):
        return given
    if given.lstrip().startswith("["):
        return json.loads(given)
    return [part.strip() for part in given.split(",") if part.strip()]


Names = Annotated[list[str], NoDecode, BeforeValidator(_listed)]


class RoleSettings(BaseModel):
    """Slack user or group ids and Jira accounts by role."""

    model_config = ConfigDict(extra="forbid")

    manager: Names = Field(default_factory=list)
    data_base: Names = Field(default_factory=list)
    admin: Names = Field(default_factory=list)

    def by_role(self) -> Mapping[Role, list[str]]:
        """Return the members of each role."""
        return {"manager": self.manager, "data_base": self.data_base, "admin": self.admin}


class EngineSettings(BaseModel):
    """How often the queue and the due rows are looked at, in seconds.

    ``longest_pause_seconds`` is the longest pause between two looks of one step at something that does not change.
    """

    model_config = ConfigDict(extra="forbid")

    poll_seconds: float = Field(default=0.5, gt=0)
    longest_pause_seconds: float = Field(default=3_600.0, gt=0)


class RetrySettings(BaseModel):
    """How a server that does not answer is asked again: the first pause in seconds, doubled each time; the tries.

    ``settle_seconds``: how long the request of a process that was killed may still take to arrive.
    """

    model_config = ConfigDict(extra="forbid")

    first_seconds: float = Field(default=5.0, gt=0)
    tries: int = Field(default=6, ge=1)
    settle_seconds: float = Field(default=5.0, ge=0)


class UpkeepSettings(BaseModel):
    """How long finished jobs and Slack's events are remembered, in days; from when on work is stuck, in minutes."""

    model_config = ConfigDict(extra="forbid")

    jobs_days: float = Field(default=7, gt=0)
    received_days: float = Field(default=30, ge=1)
    stuck_minutes: float = Field(default=15, gt=0)


class Settings(BaseSettings):
    """Everything that an installation may set."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        toml_file=FILE,
        hide_input_in_errors=True,
    )

    database_url: SecretStr = SecretStr("")
    data_dir: Path = Path("var")
    language: Language = "fr"
    packs_dir: Path | None = None
    slack: SlackSettings = Field(default_factory=SlackSettings)
    jira: JiraSettings | None = None
    transfer: TransferSettings | None = None
    smtp: SmtpSettings | None = None
    web: WebSettings = Field(default_factory=WebSettings)
    roles: RoleSettings = Field(default_factory=RoleSettings)
    probes: dict[str, ProbeSettings] = Field(default_factory=dict)
    engine: EngineSettings = Field(default_factory=EngineSettings)
    retry: RetrySettings = Field(default_factory=RetrySettings)
    upkeep: UpkeepSettings = Field(default_factory=UpkeepSettings)
    log: Literal["text", "json"] = "text"

    @property
    def database(self) -> str:
        """The database's address; SQLite in the data directory where none is set."""
        return self.database_url.get_secret_value() or f"sqlite:///{(self.data_dir / 'onboarding.db').resolve()}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**given: Any) -> Settings:
    """Read the settings. Raises SettingsError: each wrong field, where it was looked for, what to do."""
    try:
        return Settings(**given)
    except ValidationError as wrong:
        lines = [
            f"  {'__'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in wrong.errors(include_input=False)
        ]
        raise SettingsError(
            f"{len(lines)} setting(s) cannot be used (looked for in the environment as {ENVIRONMENT_PREFIX}<NAME>, "
            f"then in {FILE}):\n" + "\n".join(lines)
        ) from wrong
