"""What the tests of a check's report share: the samples, checked once each, and their pages."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from bot.checking.page import render_report
from bot.checking.stages import CHECKED
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack
from checklists.model import Language, Pack
from pipeline.chain import Chain
from pipeline.client import load_client
from pipeline.result import ChainResult

SAMPLES = Path(__file__).parents[1] / "data" / "telefonica_es"
AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack(builtin_packs() / "telefonica_es", parameter_models())


@pytest.fixture(scope="session")
def checked(pack: Pack) -> Callable[[str], ChainResult]:
    """Check a sample by the name of its fault; ``good`` is the sound one."""
    client = load_client(SAMPLES / "clients" / "ACME-IBERICA.yaml")

    @cache
    def check(fault: str) -> ChainResult:
        folder = SAMPLES if fault == "good" else SAMPLES / "broken" / fault
        return Chain(folder / "202610_ACME-IBERICA_SOFIA.mdb", pack, client=client, now=lambda: AT).run(CHECKED)

    return check


@pytest.fixture(scope="session")
def page_of(pack: Pack) -> Callable[..., str]:
    def render(result: ChainResult, language: Language = "en") -> str:
        return render_report(result, pack, language, AT)

    return render
