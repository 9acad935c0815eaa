"""Our own work as a person starts it: reading alone, and ``onboarding-bot check``, the whole chain without delivery."""

import shutil
import sys
from pathlib import Path

from .files import SMALL, MeasuredFile, unpacked
from .measure import Command

PROGRAMS = Path(__file__).parent / "programs"
ONBOARDING_BOT = str(Path(sys.executable).with_name("onboarding-bot"))


def reading(file: MeasuredFile) -> Command:
    """Read all columns of all tables to Arrow."""
    return Command([sys.executable, str(PROGRAMS / "read_all.py"), str(file.path)])


def chain(file: MeasuredFile, scratch: Path) -> Command:
    """Read, check, and write the Output, the usage file, Parquet, the OFC and their manifests."""
    out = scratch / "out"
    client = ["--client", str(file.client)] if file.client else []
    return Command(
        [ONBOARDING_BOT, "check", str(file.path), "--operator", "telefonica_es", "--out", str(out), "--json", *client],
        before=lambda: shutil.rmtree(out, ignore_errors=True),
        folder=scratch,
    )


def check_small(scratch: Path) -> Command:
    """Check the small sample, with its client and without keeping what is made."""
    file = unpacked(SMALL, scratch)
    client = ["--client", str(file.client)] if file.client else []
    words = [ONBOARDING_BOT, "check", str(file.path), "--operator", "telefonica_es", *client]
    return Command(words, folder=scratch)
