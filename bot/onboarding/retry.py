"""How long to wait before a server that did not answer is asked again."""

from dataclasses import dataclass

# The longest pause between two tries, in seconds: a surface goes on trying for ever.
LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Backoff:
    """``first`` seconds, then doubled at each try; a step gives up after ``tries`` of them."""

    first: float = 5.0
    tries: int = 6

    def seconds(self, attempt: int) -> float:
        """Return the pause after the attempt of this number, the first being 1."""
        return min(self.first * 2.0 ** min(attempt - 1, 16), LONGEST_PAUSE)

    def is_exhausted(self, attempt: int) -> bool:
        """Tell whether the attempt of this number was the last one."""
        return attempt >= self.tries
