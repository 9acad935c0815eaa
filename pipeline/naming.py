"""The file's name: the operator's naming rule (files.yaml) and the name that was expected instead."""

import re
from dataclasses import dataclass
from pathlib import PurePath

from checklists.model import Files
from pipeline.client import Client
from pipeline.errors import ConfigurationError

PERIOD = re.compile(r"(?<!\d)(20\d{2}(?:0[1-9]|1[0-2]))(?!\d)")
UNKNOWN_PERIOD = "<YYYYMM>"
UNKNOWN_ROOT = "<ROOT>"


@dataclass(frozen=True)
class ParsedName:
    """What a name that follows the rule says; ``root`` as written."""

    period: str | None
    root: str | None


@dataclass(frozen=True)
class NamingRule:
    """A pack's rule: compared without case, whole name, ASCII only (so no look-alike letters pass)."""

    pattern: re.Pattern[str]
    example: str

    @classmethod
    def of(cls, files: Files) -> "NamingRule":
        """Compile the rule. Raises ConfigurationError when it is no pattern or its own example breaks it."""
        try:
            pattern = re.compile(files.name, re.IGNORECASE | re.ASCII)
        except re.error as error:
            raise ConfigurationError(f"files.yaml: the naming rule is no pattern: {error}") from error
        if not pattern.fullmatch(files.example):
            raise ConfigurationError(f"files.yaml: the example {files.example} does not follow the naming rule")
        return cls(pattern, files.example)

    @property
    def extension(self) -> str:
        """The extension that the rule's example has, with its dot."""
        return PurePath(self.example).suffix

    def parse(self, name: str) -> ParsedName | None:
        """Return what the name says, or None when it breaks the rule."""
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        said = match.groupdict()
        return ParsedName(said.get("period"), said.get("root"))

    def has_extension(self, name: str) -> bool:
        """Tell whether the name ends as the rule's example does, without case."""
        return PurePath(name).suffix.lower() == self.extension.lower()

    def accepts(self, name: str, client: Client | None) -> bool:
        """Tell whether the name follows the rule and, where a client is known, carries its root (without case)."""
        parsed = self.parse(name)
        if parsed is None:
            return False
        if client is None or parsed.root is None:
            return True
        return parsed.root.upper() == client.root.upper()

    def expected(self, name: str, client: Client | None) -> str:
        """Return the name that the file should have.

        A name that follows the rule but for its root keeps the rest; otherwise the example is taken, with the
        client's root and the month that the client expects or that stands in the name.
        """
        parsed = self.parse(name)
        if parsed is not None:
            period, template = parsed.period, name
        else:
            seen = PERIOD.search(name)
            period = client.expected_period if client else None
            period = period or (seen.group(1) if seen else UNKNOWN_PERIOD)
            template = self.example
        root = client.root.upper() if client else UNKNOWN_ROOT
        match = self.pattern.fullmatch(template)
        assert match is not None  # the example and a parsed name both follow the rule
        for group, value in sorted((("period", period), ("root", root)), key=lambda item: -_start(match, item[0])):
            if value is not None and group in self.pattern.groupindex and match.start(group) >= 0:
                template = template[: match.start(group)] + value + template[match.end(group) :]
        return template


def _start(match: re.Match[str], group: str) -> int:
    return match.start(group) if group in match.re.groupindex else -1
