"""Where things stand in the spreadsheet: what writes the template and what reads it agree on this."""

import json
from dataclasses import dataclass

from checklists.model import Form

# One row for each field below the headings. The id's column is narrow and grey: rows are found by it, so that a
# person may sort or delete them.
HEADINGS_ROW, FIRST_ROW = 4, 5
ID, LABEL, ANSWER, EXAMPLE, RULE = "A", "B", "C", "D", "E"
# The hidden sheets: which form this is, and the choices of each drop-down.
ABOUT_SHEET, LISTS_SHEET = "onboarding_bot", "choices"
ABOUT_CELL = "A1"
FORMAT = 1

# Excel's own limit of one cell.
LONGEST_CELL = 32_767


@dataclass(frozen=True)
class About:
    """Which form a spreadsheet holds, as its hidden sheet says: the onboarding, the step, the form and its version."""

    key: str
    step_id: str
    form: str
    version: int
    format: int = FORMAT

    @classmethod
    def of(cls, key: str, step_id: str, form: Form) -> "About":
        """Return what the spreadsheet of a step's form says."""
        return cls(key, step_id, form.form, form.version)

    def as_text(self) -> str:
        """Return it as the hidden cell holds it."""
        return json.dumps([self.format, self.key, self.step_id, self.form, self.version])

    @classmethod
    def from_text(cls, text: str) -> "About":
        """Read the hidden cell. Raises ValueError for anything else."""
        try:
            format_, key, step_id, form, version = json.loads(text)
        except (ValueError, TypeError, RecursionError) as wrong:
            raise ValueError("not what the template says") from wrong
        return cls(str(key), str(step_id), str(form), version, format_)
