"""The settings of a probe. Apart from the probes, so that reading settings loads no database and no HTTP client."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator


class ProbeSettings(BaseModel):
    """One probe (``PROBES__<NAME>__…``).

    ``url`` is a database's address (sql) or a page's (http), ``query`` a SELECT with ``:key :root :client :partner``,
    ``path`` a file on the partners' server; url and path take ``{key} {root} {client} {partner}``. ``done`` is a
    regular expression that the answer must match somewhere.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["path", "sql", "http"]
    url: SecretStr | None = None
    query: str | None = None
    path: str | None = None
    done: str = r"."
    timeout_hours: float = Field(default=72, gt=0)
    poll_seconds: float = Field(default=60, gt=0)

    @field_validator("done")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as wrong:
            raise ValueError(f"{pattern!r} is no regular expression: {wrong}") from wrong
        return pattern

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        missing = {
            "path": [] if self.path else ["PATH"],
            "sql": [name for name, value in (("URL", self.url), ("QUERY", self.query)) if not value],
            "http": [] if self.url else ["URL"],
        }[self.kind]
        if missing:
            raise ValueError(f"a probe of kind {self.kind} needs {' and '.join(missing)}")
        return self
