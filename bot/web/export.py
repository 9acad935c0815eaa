"""The dossier's files: the page for people, the trail for an auditor's program and for a spreadsheet."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.onboarding import trail
from bot.onboarding.models import Event
from bot.onboarding.view import OnboardingView
from bot.web.dossier import render_dossier, trail_lines
from checklists.model import Form, Language

HOW_TO_VERIFY = (
    "Each line's hash is the SHA-256 in hex of the UTF-8 JSON array [onboarding_id, seq, at, actor, kind, step, "
    "content, previous], written without spaces after , and :, with sorted keys and characters left as they are. "
    "previous is the hash of the line before, empty in the first. seq counts from 1 without gaps. head is the last "
    "line's hash, which stands in Jira's closing comment too."
)

# The last two are for people, in the reader's language: what happened, and its detail.
COLUMNS = ("seq", "at", "actor", "actor_id", "kind", "step", "content", "previous", "hash", "what", "detail")
# A spreadsheet takes a cell that begins like this for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_dossier(
    out: Path,
    view: OnboardingView,
    events: Sequence[Event],
    language: Language,
    *,
    answers: Mapping[str, Any] | None = None,
    form: Form | None = None,
) -> tuple[Path, Path, Path]:
    """Write dossier.html, trail.json and trail.csv into ``out``, which is made if needed; return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    chain_intact = trail.first_break(events) is None and (events[-1].hash if events else "") == view.head
    page, machine, table = out / "dossier.html", out / "trail.json", out / "trail.csv"
    page.write_text(
        render_dossier(view, events, language, chain_intact=chain_intact, answers=answers, form=form), "utf-8"
    )
    machine.write_text(json.dumps(trail_json(view, events), ensure_ascii=False, indent=1) + "\n", "utf-8")
    # With a byte order mark, without which a spreadsheet misreads accents.
    table.write_text(trail_csv(view, events, language), "utf-8-sig", newline="")
    return page, machine, table


def trail_json(view: OnboardingView, events: Sequence[Event]) -> dict[str, Any]:
    """Return the trail with exactly the fields that are hashed, so that anyone can compute the hashes again."""
    return {
        "key": view.key,
        "head": view.head,
        "lines": len(events),
        "how_to_verify": HOW_TO_VERIFY,
        "trail": [
            {
                "onboarding_id": line.onboarding_id,
                "seq": line.seq,
                "at": line.at.isoformat(),
                "actor": line.actor,
                "kind": line.kind,
                "step": line.step,
                "content": line.content,
                "previous": line.previous,
                "hash": line.hash,
            }
            for line in events
        ],
    }


def first_break(exported: Mapping[str, Any]) -> int | None:
    """Return the number of the first line of an exported trail that does not hold; None when all do.

    A trail whose end was cut off breaks at the first line that is missing.
    """
    lines = [Event(**{**line, "at": datetime.fromisoformat(line["at"])}) for line in exported["trail"]]
    broken = trail.first_break(lines)
    if broken is None and (lines[-1].hash if lines else "") != exported["head"]:
        return len(lines) + 1
    return broken


def trail_csv(view: OnboardingView, events: Sequence[Event], language: Language) -> str:
    """Return the trail as a table with commas, a line an event; ``content`` is JSON, the last columns are words."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for line, read in zip(events, trail_lines(view, events, language), strict=True):
        cells = (
            line.seq,
            line.at.isoformat(),
            line.actor,
            line.content.get("actor", ""),
            line.kind,
            line.step or "",
            json.dumps(line.content, ensure_ascii=False, sort_keys=True),
            line.previous,
            line.hash,
            read.what,
            read.detail,
        )
        table.writerow([_harmless(cell) for cell in cells])
    return text.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
