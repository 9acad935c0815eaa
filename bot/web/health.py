"""Is the process alive, and can it do its work? Answered from what is known, without calling anybody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import JSONResponse, Response

from bot.web.metrics import Census, exposition


@dataclass(frozen=True)
class Part:
    """One part of the bot. ``seen`` says what is known of it in words, without secrets.

    A part that is not ``needed`` is shown and keeps nobody away: Jira may be down while clicks are taken, and stuck
    work is not helped by a restart.
    """

    ok: bool
    needed: bool = True
    seen: str = ""


Readiness = Callable[[], Mapping[str, Part]]


def add_health(
    app: FastAPI, readiness: Readiness, census: Callable[[], Census], counted: CollectorRegistry | None = None
) -> None:
    """Add /healthz, /readyz and /metrics. ``counted`` holds what the process itself has counted."""

    def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    def readyz() -> Response:
        parts = readiness()
        is_ready = all(part.ok for part in parts.values() if part.needed)
        content = {
            "status": "ready" if is_ready else "not ready",
            "parts": {name: part.ok for name, part in parts.items()},
            "seen": {name: part.seen for name, part in parts.items() if part.seen},
        }
        return JSONResponse(content, status_code=200 if is_ready else 503)

    def metrics() -> Response:
        return Response(exposition(census, counted), media_type="text/plain; version=0.0.4; charset=utf-8")

    for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.add_api_route(path, answer, methods=["GET", "HEAD"])


def build_health(
    readiness: Readiness, census: Callable[[], Census], counted: CollectorRegistry | None = None
) -> FastAPI:
    """Return an application with nothing but health and figures, for a worker."""
    app = FastAPI(title="onboarding-bot", docs_url=None, redoc_url=None, openapi_url=None)
    add_health(app, readiness, census, counted)
    return app
