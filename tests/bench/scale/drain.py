"""How fast one worker and two work through files that wait, on Postgres.

A file job picks a file up: it is copied, registered, and its name and header are judged. What the jobs write goes into
the database alone, so nothing but workers and database is measured.
"""

import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlmodel import func, select

from bot.onboarding.models import StepRecord
from bot.onboarding.store import Store

from ..files import CHECKOUT, SMALL
from ..measure import CommandFailed
from ..report import Line, Promise, Section
from .crowd import FILE_PACK
from .processes import Bot, crowd

FILES = 1_000
PATIENCE = 300.0

CHECKLIST = f"""
pack: {FILE_PACK}
version: 1
operator: {{name: TELEFONICA, country: ES}}
calendar: [ES]
title: {{fr: Fichiers, en: Files, es: Ficheros}}
options:
  - {{id: ofc, type: boolean, label: {{fr: OFC, en: OFC, es: OFC}}}}
  - {{id: deposit, type: choice, choices: [ftp, console], label: {{fr: Voie, en: Way, es: Vía}}}}
steps:
  - id: deposit
    kind: deposit
    role: partner
    title: {{fr: Dépôt, en: Deposit, es: Depósito}}
  - id: pickup
    kind: chain
    needs: [deposit]
    role: manager
    title: {{fr: Récupération, en: Pick-up, es: Recogida}}
    with: {{stages: [arrival, name, header]}}
  - id: sign_off
    kind: confirm
    needs: [pickup]
    role: manager
    title: {{fr: Clôture, en: Sign-off, es: Cierre}}
    ticks: [{{id: closed, label: {{fr: Clos, en: Closed, es: Cerrado}}}}]
"""

Told = Callable[[str], None]
# Makes an empty database, or a copy of one that is named, and returns its name and its address.
Databases = Callable[[str | None], tuple[str, str]]


def measure(databases: Databases, scratch: Path, told: Told, *, files: int = FILES) -> Section:
    """Let one worker, then two, work through the same jobs. Raises CommandFailed."""
    told(f"{files:,} files that wait")
    settings = {"DATA_DIR": str(scratch / "drain"), "PACKS_DIR": str(_pack(scratch)), "LANGUAGE": "en"}
    name, full = databases(None)
    crowd("file", files, {**settings, "DATABASE_URL": full}, str(SMALL))
    seconds = {}
    for workers in (1, 2):
        told(f"{files:,} files, {workers} worker{'s' if workers > 1 else ''}")
        _, database = databases(name)
        seconds[workers] = _drained({**settings, "DATABASE_URL": database}, workers, files, scratch)
    ratio = seconds[1] / seconds[2]
    return Section(
        f"{files:,} files that wait, on Postgres",
        "Ratio: how many times as fast as one worker.",
        [
            Line("one worker", seconds=seconds[1], ratio=1.0),
            Line("two workers", seconds=seconds[2], ratio=ratio, promises=(Promise("ratio", ratio, 1.7, at="least"),)),
        ],
    )


def _pack(scratch: Path) -> Path:
    """Write a pack that does nothing with a file but pick it up; return its folder's folder."""
    packs = scratch / "packs"
    folder = packs / FILE_PACK
    shutil.copytree(CHECKOUT / "checklists" / "telefonica_es", folder)
    (folder / "checklist.yaml").write_text(CHECKLIST, encoding="utf-8")
    return packs


def _drained(settings: Mapping[str, str], workers: int, files: int, scratch: Path) -> float:
    """Return how many seconds pass from the first file that is picked up to the last one."""
    store = Store(settings["DATABASE_URL"])
    bots = [Bot(settings, scratch / f"worker-{number}.log", role="worker") for number in range(workers)]
    try:
        for bot in bots:
            bot.start()
        begun = None
        until = time.monotonic() + PATIENCE
        while (done := _picked_up(store)) < files:
            if done and begun is None:
                begun = time.perf_counter()
            if time.monotonic() > until:
                raise CommandFailed(f"{workers} workers picked up {done} of {files} files in {PATIENCE:g} s")
            for bot in bots:
                bot.check()
            time.sleep(0.05)
        return time.perf_counter() - (begun or until)
    finally:
        for bot in bots:
            bot.kill()
        store.close()


def _picked_up(store: Store) -> int:
    done = select(func.count()).where(StepRecord.step_id == "pickup", StepRecord.state == "done")
    with store.reading() as session:
        return session.exec(done).one()
