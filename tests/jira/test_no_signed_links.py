"""The partner's signed links are for the partner: whoever reads the parent issue must not answer by them."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from jira_house import report_of

from bot.jira.markup import comment
from bot.onboarding.clock import SystemClock
from bot.steps.parameters import parameter_models
from checklists.loader import builtin_packs, load_pack

PACK = load_pack(builtin_packs() / "telefonica_es", parameter_models())
VIEW: Any = SimpleNamespace(
    language="en", operator="TELEFONICA", client="ACME", pack=PACK, started_at=SystemClock().now()
)


@pytest.mark.parametrize(
    ("step", "link", "is_shown"),
    [
        ("form", "https://bot.example/form/eyJrZXkiOiJPTkItMSJ9.signed", False),
        ("ofc_received", "https://bot.example/confirm/eyJrZXkiOiJPTkItMSJ9.signed", False),
        ("ticket", "https://jira.example/browse/DB-1", True),
    ],
)
def test_a_comment_shows_links_but_the_partners_signed_ones(step: str, link: str, is_shown: bool) -> None:
    report = replace(report_of(VIEW, 3), step=PACK.checklist.step(step), link=link)
    assert (link in comment(VIEW, report, "marker")) is is_shown
