"""A real core on SQLite, a small pack, and the web side on a real socket."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from fastapi import Request
from sqlmodel import SQLModel
from starlette.responses import JSONResponse, Response
from web_side import ANA, CHECKLIST, FORM, MARKUP, SECRET, Begins, Core, MovableClock, NoParameters, RecordedJobs, Web

from bot.onboarding.actors import Roles
from bot.onboarding.flow import Flow
from bot.onboarding.packs import Packs
from bot.onboarding.service import Onboardings
from bot.onboarding.start import StartRequest
from bot.onboarding.store import Store
from bot.web.app import build_web
from bot.web.health import Part
from bot.web.links import SignedLinks
from bot.web.metrics import take_census
from bot.web.server import WebServer
from checklists.model import AskParameters, ConfirmParameters, FormParameters


@pytest.fixture
def core(tmp_path: Path) -> Iterator[Core]:
    pack = tmp_path / "packs" / "operadora_x"
    pack.mkdir(parents=True)
    (pack / "checklist.yaml").write_text(CHECKLIST, "utf-8")
    (pack / "form.yaml").write_text(FORM, "utf-8")
    kinds = {
        "confirm": Begins(ConfirmParameters),
        "form": Begins(FormParameters),
        "ask": Begins(AskParameters),
        "directory": Begins(NoParameters),
        "delivery": Begins(NoParameters, waits=False),
    }
    store = Store(f"sqlite:///{tmp_path}/onboarding.db")
    SQLModel.metadata.create_all(store.engine)
    packs = Packs([tmp_path / "packs"], tmp_path / "shelf", {name: kind.parameters for name, kind in kinds.items()})
    clock, jobs = MovableClock(), RecordedJobs()
    flow = Flow(store, packs, kinds, jobs, clock, surfaces=())
    onboardings = Onboardings(store, packs, flow, clock, Roles(), "fr")
    core = Core(store, flow, onboardings, clock, jobs)
    request = StartRequest("operadora_x", "ACME", "ana@acme.es", f"ACME {MARKUP}", "ACME-IBERICA", ["B58378431"])
    core.key = onboardings.start(request, ANA).key
    yield core
    store.close()


@pytest.fixture
def web(core: Core) -> Iterator[Web]:
    links = SignedLinks("https://onboarding.example.com/", SECRET, clock=core.clock)

    async def slack(request: Request) -> Response:
        return JSONResponse({"bytes": len(await request.body())})

    app = build_web(
        core.onboardings,
        links,
        readiness=lambda: {"database": Part(True), "slack": Part(core.clock.moment.year == 2026)},
        census=lambda: take_census(core.store),
        clock=core.clock,
        language="en",
        transfer_root="/srv/onboarding",
        slack_handler=slack,
    )
    server = WebServer(app, "127.0.0.1", 0)
    server.start()
    yield Web(f"http://127.0.0.1:{server.port}", links)
    server.stop()


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    """A client that says it reads English."""
    with requests.Session() as session:
        session.headers["Accept-Language"] = "en"
        yield session
