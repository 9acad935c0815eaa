"""Logs for people or for machines, on standard error, with the onboarding and the step on every line that has them."""

import json
import logging
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog
from pydantic import BaseModel, SecretStr

# A shorter secret would be found in ordinary words.
SHORTEST_SECRET = 5
HIDDEN = "***"


def configure_logs(form: Literal["text", "json"], level: int = logging.INFO, *, secrets: Collection[str] = ()) -> None:
    """Send our own lines and those of the libraries through one formatter.

    ``secrets`` are hidden wherever they turn up: an error of a library may quote what it was given.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Discreet(
            secrets,
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These name every request and every packet; the ledger and the trail already say what was done.
    for noisy in ("paramiko", "slack_bolt", "slack_sdk", "uvicorn", "alembic", "dbos", "asyncssh"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It warns of every link type, known or not; what Jira refuses is an error of its own.
    logging.getLogger("jira").setLevel(logging.ERROR)


@contextmanager
def warnings_alone() -> Iterator[None]:
    """Keep a shell command's standard output to its answer: what needs a person's eye goes to standard error."""
    kept = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**kept)


def secrets_of(settings: BaseModel) -> list[str]:
    """Return the values of every secret in the settings, the longest first."""
    found = {_kernel(secret.get_secret_value()) for secret in _secrets(settings)}
    return sorted((secret for secret in found if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)


def _kernel(secret: str) -> str:
    """Return what must not be read: of an address its password alone, or nothing where it has none."""
    return urlsplit(secret).password or "" if "://" in secret else secret


def _secrets(value: Any) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _secrets(inner)


class _Discreet(structlog.stdlib.ProcessorFormatter):
    """Hides secrets in the finished line, a traceback's included."""

    def __init__(self, secrets: Collection[str], **how: Any) -> None:
        super().__init__(**how)
        # A line of JSON writes some characters in another way.
        self._secrets = tuple(dict.fromkeys(form for secret in secrets for form in (secret, json.dumps(secret)[1:-1])))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = super().format(record)
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, HIDDEN)
        return line
