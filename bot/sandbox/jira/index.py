"""What a search looks through: on Data Center the issues as they are, on Cloud as they were a moment ago."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.sandbox.jira.entities import Issue


@dataclass
class SearchIndex:
    """An index that lags ``delay_seconds`` behind; with 0 it is never behind.

    Cloud promises no more than "a few seconds to minutes"; the delay may be changed at any time. A deleted issue is
    gone at once, and links are never late: nobody here depends on either.
    """

    delay_seconds: float = 0.0
    _versions: dict[str, list[tuple[datetime, Issue]]] = field(default_factory=dict)

    def write(self, issues: Iterable[Issue], now: datetime) -> None:
        """Remember each issue that differs from what was written last."""
        for issue in issues:
            versions = self._versions.setdefault(issue.id, [])
            if not versions or versions[-1][1] != issue:
                versions.append((now, issue.snapshot()))
            while len(versions) > 1 and versions[1][0] <= self._shown(now):
                del versions[0]

    def read(self, issues: Iterable[Issue], now: datetime, reconciled: Collection[str]) -> list[Issue]:
        """Return the issues as the index knows them; the ``reconciled`` ones, by id, as they are."""
        known = [issue if self._is_current(issue, reconciled) else self._known(issue, now) for issue in issues]
        return [each for each in known if each is not None]

    def _is_current(self, issue: Issue, reconciled: Collection[str]) -> bool:
        return not self.delay_seconds or issue.id in reconciled

    def _known(self, issue: Issue, now: datetime) -> Issue | None:
        shown = [each for at, each in self._versions.get(issue.id, ()) if at <= self._shown(now)]
        return shown[-1] if shown else None

    def _shown(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self.delay_seconds)
