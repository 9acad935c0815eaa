"""The settings of the web side: where it listens, and what its links are made of."""

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class WebSettings(BaseModel):
    """``WEB__…``. Links to people outside need both ``public_url`` and ``secret_key``; the rest works without them.

    ``link_days`` is how long a link works after it was made, at most: it ends earlier with its step or a newer link.
    ``worker_port`` is where `serve --role worker` shows its health and figures; without it, nowhere.
    """

    model_config = ConfigDict(extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    public_url: str | None = None
    secret_key: SecretStr | None = None
    link_days: int = Field(default=60, ge=1, le=730)
    worker_port: int | None = Field(default=None, ge=0, le=65535)
