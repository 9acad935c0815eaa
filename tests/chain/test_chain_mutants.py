"""A few damaged copies of the sample through the chain; ``make mutants`` runs a thousand."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_mutant_breaks_the_chain_or_passes_with_other_rows_than_its_own() -> None:
    command = [sys.executable, "-m", "tests.campaign.mutants", "--seed", "97", "--count", "25"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "mdb"))),
        "NO_COLOR": "1",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "25 mutants of seed 97, faults: 0" in done.stdout
