"""The settings of Slack (``SLACK__…``)."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class SlackSettings(BaseModel):
    """``mode`` socket needs an app token and no public address; http needs the signing secret and one."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["socket", "http"] = "socket"
    bot_token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    api_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://\S+$")
    command: str = Field(default="/onboard", pattern=r"^/\S{1,31}$")
    channel: str = ""
    timeout_seconds: int = Field(default=10, gt=0)
    edits_per_minute: int = Field(default=50, gt=0)
    posts_per_minute: int = Field(default=60, gt=0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.api_url.endswith("/"):
            raise ValueError(f"api_url {self.api_url!r} must end in / as in https://slack.com/api/")
        if self.bot_token is None:
            return self
        if self.mode == "socket" and self.app_token is None:
            raise ValueError("mode socket needs SLACK__APP_TOKEN (an app-level token with connections:write)")
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError("mode http needs SLACK__SIGNING_SECRET (on the app's basic information page)")
        if not self.channel:
            raise ValueError("SLACK__CHANNEL is missing: the id of the channel that the bot writes in")
        return self
