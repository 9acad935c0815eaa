"""Delivery of the OFC through a port: put, renamed, read back, compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pipeline.errors import DeliveryError
from pipeline.findings import Finding
from pipeline.result import JSON, OutputFile
from pipeline.workbench import Workbench


class Delivery(Protocol):
    """The way to the partner's ``out`` folder."""

    def deliver(self, file: Path, name: str) -> str:
        """Put the file under a temporary name, rename it to ``name``, return the sha256 read back from there.

        A file of that name that is already there is replaced. Raises DeliveryError with the reason in words.
        """
        ...


def deliver(bench: Workbench, files: Sequence[OutputFile], port: Delivery) -> tuple[list[Finding], dict[str, JSON]]:
    """Deliver the files in their order; the first one that fails ends it, so no manifest vouches for a bad OFC."""
    delivered: dict[str, JSON] = {}
    for file in files:
        try:
            found = port.deliver(bench.out / file.name, file.name)
        except DeliveryError as error:
            evidence = {"name": file.name, "reason": error.reason}
            return [bench.findings.make("OFC_DELIVERY", "delivery", evidence)], delivered
        if found != file.sha256:
            evidence = {"name": file.name, "found": found, "expected": file.sha256}
            return [bench.findings.make("OFC_DELIVERY", "delivery", evidence, variant="checksum")], delivered
        delivered[file.name] = found
    return [], delivered
