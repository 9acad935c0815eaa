"""What is wrong with a pack, told with file and line, all at once.

PackErrors(ValueError)      a pack, or a folder of packs, that cannot be used
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class PackProblem:
    """One fault: the file relative to the pack, line and column counted from 1, what is wrong, what to do."""

    file: str
    line: int | None
    column: int | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return ``file:line: message (hint)``; without a line, ``file: message (hint)``."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message} ({self.hint})" if self.hint else f"{place}: {self.message}"


class PackErrors(ValueError):
    """Every problem of a pack, ordered by file and line. ``str()`` is one problem a line."""

    def __init__(self, problems: Iterable[PackProblem]) -> None:
        self.problems: tuple[PackProblem, ...] = tuple(
            sorted(
                dict.fromkeys(problems),
                key=lambda problem: (problem.file, problem.line or 0, problem.column or 0, problem.message),
            )
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))
