"""Logs for people or for machines, on standard error, with the onboarding and the step on every line that has them."""

import logging
import sys
from typing import Literal

import structlog


def configure_logs(form: Literal["text", "json"], level: int = logging.INFO) -> None:
    """Send our own lines and those of the libraries through one formatter."""
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
        structlog.stdlib.ProcessorFormatter(
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
