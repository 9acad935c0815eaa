"""A person's decision that a file's invoices replace the integrated ones (domain facts 5.3).

A chain step that is blocked by nothing but changed invoices offers it; a manager decides; the decision holds for that
file and for those integrated invoices alone. Offer and decisions lie in the step's memory, in the shapes of this
module.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from bot.locales import say
from bot.onboarding.models import StepRecord
from bot.onboarding.outcomes import Evidence, Fact, fact, number
from checklists.model import Language

# The one finding that a person may decide over.
CHANGED = "DUP_INVOICE_CHANGED"

OFFER, DECISIONS = "replaceable", "replacements"
# More invoices than that are counted in a report; the trail names them all.
LISTED = 40


class Frozen(BaseModel):
    """A value that is kept as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Amounts(Frozen):
    """An invoice's totals as decimal strings: 4 decimals, gross 2."""

    net: str
    tax: str
    out_of_tax: str
    gross: str


class ChangedInvoice(Frozen):
    """An invoice that is integrated with other totals than a file has. ``id`` is the integrated one's row."""

    id: int
    supplier_tax_id: str
    number_key: str
    number: str
    loaded: Amounts
    found: Amounts
    currency: str

    @property
    def difference(self) -> str:
        """Both totals: ``109.40 → 121.50 EUR``."""
        return f"{self.loaded.gross} → {self.found.gross} {self.currency}"


class Offer(Frozen):
    """What a manager may decide: that a file's changed invoices replace the integrated ones."""

    file: str
    sha256: str
    invoices: tuple[ChangedInvoice, ...]

    @classmethod
    def of(cls, record: StepRecord) -> Self | None:
        """Return what a step offers now; None when it has not failed over changed invoices alone."""
        kept = record.memory.get(OFFER)
        return cls.model_validate(kept) if kept and record.state == "failed" and record.code == CHANGED else None

    def as_memory(self) -> dict[str, Any]:
        """Return the offer as the step keeps it."""
        return {OFFER: self.model_dump()}


# What a step keeps when it offers nothing: an earlier offer must not outlive the file that it was about.
NO_OFFER: Mapping[str, Any] = {OFFER: None}


class Decision(Frozen):
    """An offer that was taken: by whom, when and why."""

    offer: Offer
    by: str
    at: datetime
    reason: str

    @property
    def evidence(self) -> Evidence:
        """Return what the thread shows of the decision."""
        listed = [
            Fact(say("fact.replaces", number=invoice.number), invoice.difference)
            for invoice in self.offer.invoices[:LISTED]
        ]
        if len(self.offer.invoices) > LISTED:
            listed.append(fact("replaces_in_all", len(self.offer.invoices)))
        return Evidence(facts=(fact("file", self.offer.file), fact("sha256", self.offer.sha256), *listed))

    def covers(self, supplier_tax_id: str, number_key: str, invoice_id: int) -> bool:
        """Tell whether it was decided that the file's invoice replaces this integrated one."""
        return any(
            (one.supplier_tax_id, one.number_key, one.id) == (supplier_tax_id, number_key, invoice_id)
            for one in self.offer.invoices
        )

    def kept_beside(self, memory: Mapping[str, Any]) -> dict[str, Any]:
        """Return a step's memory with this decision in it and the offer gone."""
        decisions = {**memory.get(DECISIONS, {}), self.offer.sha256: self.model_dump(mode="json")}
        return {**memory, **NO_OFFER, DECISIONS: decisions}


def decision_about(sha256: str, memories: Sequence[Mapping[str, Any]]) -> Decision | None:
    """Return the latest decision about a file that any of an onboarding's steps keeps."""
    kept = [memory[DECISIONS][sha256] for memory in memories if sha256 in memory.get(DECISIONS, {})]
    return max((Decision.model_validate(one) for one in kept), key=lambda one: one.at, default=None)


def question(offer: Offer, most: int, language: Language) -> str:
    """Return the question before the decision, in ``most`` characters: every invoice with both totals, or how many."""

    def asked(listed: Sequence[ChangedInvoice]) -> str:
        lines = [f"{invoice.number}: {invoice.difference}" for invoice in listed]
        if len(listed) < len(offer.invoices):
            lines.append(say("list.more", count=number(len(offer.invoices) - len(listed))).text(language))
        return say("replace.question", file=offer.file, invoices="\n".join(lines)).text(language)

    for count in range(len(offer.invoices), -1, -1):
        text = asked(offer.invoices[:count])
        if len(text) <= most:
            return text
    return asked(())[:most]
