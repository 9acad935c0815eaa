"""What has been received and integrated: source files, invoices, references. Every method may be called again.

A step calls these before its outcome is recorded, so a killed run finds its own rows and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session, col, select

from bot.onboarding.clock import Clock
from bot.onboarding.models import Invoice, Month, Reference, SourceFile
from bot.onboarding.replacing import Decision
from bot.onboarding.store import Store, again_after_another


@dataclass(frozen=True)
class InvoiceEntry:
    """An invoice to be registered; amounts as decimal strings, ``number_key`` as the pipeline compares numbers.

    ``lines`` is what each of its lines is billed, where that is known.
    """

    supplier_tax_id: str
    number: str
    number_key: str
    account: str
    period: str
    period_start: date
    period_end: date
    net: str
    tax: str
    out_of_tax: str
    gross: str
    currency: str
    lines: Mapping[str, str] | None = None


@dataclass(frozen=True)
class MonthEntry:
    """What a file brought for a month (YYYYMM): its lines and, by account, the last day of usage."""

    period: str
    gross: str
    lines: Sequence[str]
    accounts: Mapping[str, date]


@dataclass(frozen=True)
class ReferenceEntry:
    """A reference that the root's inventory does not know."""

    kind: str
    ref: str
    label: str
    first_seen_invoice: str
    net: str
    suggestion: str = ""


class InvoiceTaken(Exception):
    """A number to be registered is integrated with other totals, and nobody has decided to replace that invoice."""


class Registry:
    """The registry of one database."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def receive(self, onboarding_id: int, *, name: str, arrival: str, sha256: str, size: int, path: str) -> None:
        """Keep that a file was received; ``arrival`` tells one delivery from another of the same bytes."""
        with self._store.transaction() as session:
            same = session.exec(
                select(SourceFile).where(
                    SourceFile.onboarding_id == onboarding_id,
                    SourceFile.sha256 == sha256,
                    SourceFile.arrival == arrival,
                )
            ).first()
            if same is None:
                session.add(
                    SourceFile(
                        onboarding_id=onboarding_id,
                        name=name,
                        arrival=arrival,
                        sha256=sha256,
                        size=size,
                        path=path,
                        received_at=self._clock.now(),
                    )
                )

    def mark(self, onboarding_id: int, sha256: str, state: str) -> None:
        """Keep how a file ended: ``integrated``, ``error``, ``quarantine``."""
        with self._store.transaction() as session:
            for row in session.exec(
                select(SourceFile).where(SourceFile.onboarding_id == onboarding_id, SourceFile.sha256 == sha256)
            ).all():
                row.state = state
                session.add(row)

    def state_of(self, onboarding_id: int, sha256: str) -> str | None:
        """Return how a file ended so far; None for one that was never received."""
        with self._store.reading() as session:
            received = select(SourceFile).where(SourceFile.onboarding_id == onboarding_id, SourceFile.sha256 == sha256)
            row = session.exec(received.order_by(col(SourceFile.id).desc())).first()
            return None if row is None else row.state

    def invoice(self, operator: str, supplier_tax_id: str, number_key: str) -> Invoice | None:
        """Return the integrated invoice that counts: its number is unique per operator and supplier."""
        with self._store.reading() as session:
            return _current(session, operator, supplier_tax_id, number_key)

    def invoices(self, operator: str, root: str) -> list[Invoice]:
        """Return every integrated invoice of a root that counts, the oldest period first."""
        return [row for row in self._all_invoices(operator, root) if row.superseded_at is None]

    def invoices_of_file(self, sha256: str, operator: str, root: str) -> list[Invoice]:
        """Return the invoices that count of those that a file brought."""
        return [row for row in self.invoices(operator, root) if row.source_sha256 == sha256]

    def superseded(self, operator: str, root: str) -> list[Invoice]:
        """Return every invoice of a root that was replaced, the oldest period first."""
        return [row for row in self._all_invoices(operator, root) if row.superseded_at is not None]

    def months(self, operator: str, root: str) -> list[Month]:
        """Return what each file brought for each month of a root, the latest month first."""
        with self._store.reading() as session:
            rows = select(Month).where(Month.operator == operator, Month.root == root.upper())
            return list(session.exec(rows.order_by(col(Month.period).desc(), col(Month.id))).all())

    def _all_invoices(self, operator: str, root: str) -> list[Invoice]:
        with self._store.reading() as session:
            rows = select(Invoice).where(Invoice.operator == operator, Invoice.root == root.upper())
            # Sorted here: a database sorts text by its own rules, and the same file must give the same bytes on all.
            return sorted(session.exec(rows).all(), key=lambda row: (row.period_start, row.number, row.id or 0))

    @again_after_another
    def integrate(
        self,
        onboarding_id: int,
        *,
        operator: str,
        root: str,
        sha256: str,
        invoices: Sequence[InvoiceEntry],
        month: MonthEntry | None,
        decision: Decision | None = None,
    ) -> None:
        """Register what a file brought, in one transaction; an invoice that is there already stays as it is.

        One of which ``decision`` says so is superseded and stays beside the new one. Raises InvoiceTaken, and changes
        nothing, when a number is integrated with other totals and the decision is not about that invoice.
        """
        with self._store.transaction() as session:
            for entry in invoices:
                known = _current(session, operator, entry.supplier_tax_id, entry.number_key)
                if known is not None:
                    if (known.onboarding_id, known.source_sha256) == (onboarding_id, sha256) or _same(known, entry):
                        continue
                    if decision is None or not decision.covers(entry.supplier_tax_id, entry.number_key, known.id or 0):
                        raise InvoiceTaken(entry.number)
                    known.superseded_at, known.superseded_by_sha256 = self._clock.now(), sha256
                    known.superseded_by, known.superseded_reason = decision.by, decision.reason
                    session.add(known)
                    # The new one may come only when the old one no longer counts.
                    session.flush()
                session.add(
                    Invoice(
                        onboarding_id=onboarding_id,
                        operator=operator,
                        root=root.upper(),
                        source_sha256=sha256,
                        **{**vars(entry), "lines": None if entry.lines is None else dict(entry.lines)},
                    )
                )
            if month is not None:
                self._integrate_month(session, onboarding_id, operator, root.upper(), sha256, month)

    def _integrate_month(
        self, session: Session, onboarding_id: int, operator: str, root: str, sha256: str, month: MonthEntry
    ) -> None:
        known = session.exec(
            select(Month).where(Month.operator == operator, Month.root == root, Month.source_sha256 == sha256)
        ).first()
        if known is None:
            session.add(
                Month(
                    onboarding_id=onboarding_id,
                    operator=operator,
                    root=root,
                    period=month.period,
                    gross=month.gross,
                    lines=sorted(month.lines),
                    accounts={account: last.isoformat() for account, last in month.accounts.items()},
                    source_sha256=sha256,
                    loaded_on=self._clock.now().date(),
                )
            )

    @again_after_another
    def add_references(self, onboarding_id: int, operator: str, root: str, entries: Sequence[ReferenceEntry]) -> None:
        """Keep the new references of a file; one that is assigned already stays as it is.

        One that an earlier onboarding left unassigned is this one's from now on, with what this file says of it: else
        it would be on nobody's list.
        """
        with self._store.transaction() as session:
            for entry in entries:
                known = session.exec(
                    select(Reference).where(
                        Reference.operator == operator,
                        Reference.root == root.upper(),
                        Reference.kind == entry.kind,
                        Reference.ref == entry.ref,
                    )
                ).first()
                if known is None:
                    known = Reference(operator=operator, root=root.upper(), onboarding_id=onboarding_id, **vars(entry))
                elif known.assigned_at is None:
                    known.sqlmodel_update({"onboarding_id": onboarding_id, **vars(entry)})
                session.add(known)

    def new_references(self, onboarding_id: int) -> list[Reference]:
        """Return the references that an onboarding brought and nobody has assigned yet, by kind and name."""
        with self._store.reading() as session:
            rows = select(Reference).where(
                Reference.onboarding_id == onboarding_id, col(Reference.assigned_at).is_(None)
            )
            return sorted(session.exec(rows).all(), key=lambda row: (row.kind, row.ref))

    def assigned_references(self, operator: str, root: str) -> list[Reference]:
        """Return the references of a root whose assignment a person has confirmed."""
        with self._store.reading() as session:
            rows = select(Reference).where(
                Reference.operator == operator,
                Reference.root == root.upper(),
                col(Reference.assigned_at).is_not(None),
            )
            return list(session.exec(rows).all())


def _current(session: Session, operator: str, supplier_tax_id: str, number_key: str) -> Invoice | None:
    return session.exec(
        select(Invoice).where(
            Invoice.operator == operator,
            Invoice.supplier_tax_id == supplier_tax_id,
            Invoice.number_key == number_key,
            col(Invoice.superseded_at).is_(None),
        )
    ).first()


def _same(known: Invoice, entry: InvoiceEntry) -> bool:
    pairs = (
        (known.net, entry.net),
        (known.tax, entry.tax),
        (known.out_of_tax, entry.out_of_tax),
        (known.gross, entry.gross),
    )
    return all(Decimal(loaded) == Decimal(found) for loaded, found in pairs)


def assign_references(session: Session, onboarding_id: int, by: str, at: datetime) -> None:
    """Keep, in an open transaction, that a person has assigned every new reference of an onboarding."""
    rows = select(Reference).where(Reference.onboarding_id == onboarding_id, col(Reference.assigned_at).is_(None))
    for row in session.exec(rows).all():
        row.assigned_by, row.assigned_at = by, at
        session.add(row)
