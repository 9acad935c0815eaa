"""The controls as SQL: one fact a file, named for what it finds, the offending rows as its result (none = fine).

The first lines of a file say `-- code:`, `-- stage:` and, where the code has several wordings, `-- text:`. The columns
are the finding's evidence. Beside the canonical views a check may read `tolerance` (one row), `tax_rule`, `tax_group`,
`usage_sum` and `usage_against_charges`. Source of the rules: the controls of the test chain, domain facts 5.2 and 5.3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from checklists.model import STAGES, Stage

HEAD = re.compile(r"^-- (code|stage|text): (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Check:
    """One control: ``text`` is the variant of the code's texts."""

    name: str
    code: str
    stage: Stage
    sql: str
    text: str | None = None


@cache
def shared_checks() -> Sequence[Check]:
    """Read the checks beside this module, by file name."""
    return tuple(_read(path) for path in sorted(Path(__file__).parent.glob("*.sql")))


def _read(path: Path) -> Check:
    sql = path.read_text(encoding="utf-8")
    head = dict(HEAD.findall(sql))
    assert head["stage"] in STAGES, f"{path.name}: unknown stage"
    return Check(path.stem, head["code"], cast(Stage, head["stage"]), sql, head.get("text"))
