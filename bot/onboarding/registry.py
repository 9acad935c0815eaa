"""What has been received and integrated: source files, invoices, references. Every method may be called again.

A step calls these before its outcome is recorded, so a killed run finds its own rows and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from bot.onboarding.clock import Clock
from bot.onboarding.models import Invoice, Month, Reference, SourceFile
from bot.onboarding.store import Store


@dataclass(frozen=True)
class InvoiceEntry:
    """An invoice to be registered; amounts as decimal strings, ``number_key`` as the pipeline compares numbers."""

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

    def invoice(self, operator: str, supplier_tax_id: str, number_key: str) -> Invoice | None:
        """Return an integrated invoice: its number is unique per operator and supplier."""
        with self._store.reading() as session:
            return session.exec(
                select(Invoice).where(
                    Invoice.operator == operator,
                    Invoice.supplier_tax_id == supplier_tax_id,
                    Invoice.number_key == number_key,
                )
            ).first()

    def invoices(self, operator: str, root: str) -> list[Invoice]:
        """Return every integrated invoice of a root, the oldest period first."""
        with self._store.reading() as session:
            rows = select(Invoice).where(Invoice.operator == operator, Invoice.root == root.upper())
            return list(session.exec(rows.order_by(col(Invoice.period_start), Invoice.number)).all())

    def invoices_of_file(self, sha256: str, operator: str, root: str) -> list[Invoice]:
        """Return the integrated invoices that a file brought."""
        return [row for row in self.invoices(operator, root) if row.source_sha256 == sha256]

    def months(self, operator: str, root: str) -> list[Month]:
        """Return what each file brought for each month of a root, the latest month first."""
        with self._store.reading() as session:
            rows = select(Month).where(Month.operator == operator, Month.root == root.upper())
            return list(session.exec(rows.order_by(col(Month.period).desc())).all())

    def integrate(
        self,
        onboarding_id: int,
        *,
        operator: str,
        root: str,
        sha256: str,
        invoices: Sequence[InvoiceEntry],
        month: MonthEntry | None,
    ) -> None:
        """Register what a file brought, in one transaction; an invoice that is there already stays as it is."""
        with self._store.transaction() as session:
            for entry in invoices:
                known = session.exec(
                    select(Invoice).where(
                        Invoice.operator == operator,
                        Invoice.supplier_tax_id == entry.supplier_tax_id,
                        Invoice.number_key == entry.number_key,
                    )
                ).first()
                if known is None:
                    session.add(
                        Invoice(
                            onboarding_id=onboarding_id,
                            operator=operator,
                            root=root.upper(),
                            source_sha256=sha256,
                            **vars(entry),
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

    def add_references(self, onboarding_id: int, operator: str, root: str, entries: Sequence[ReferenceEntry]) -> None:
        """Keep the new references of a file; one that is known already stays as it is."""
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
                    session.add(
                        Reference(onboarding_id=onboarding_id, operator=operator, root=root.upper(), **vars(entry))
                    )

    def new_references(self, onboarding_id: int) -> list[Reference]:
        """Return the references that an onboarding brought and nobody has assigned yet, by kind and name."""
        with self._store.reading() as session:
            rows = select(Reference).where(
                Reference.onboarding_id == onboarding_id, col(Reference.assigned_at).is_(None)
            )
            return list(session.exec(rows.order_by(Reference.kind, Reference.ref)).all())

    def assigned_references(self, operator: str, root: str) -> list[Reference]:
        """Return the references of a root whose assignment a person has confirmed."""
        with self._store.reading() as session:
            rows = select(Reference).where(
                Reference.operator == operator,
                Reference.root == root.upper(),
                col(Reference.assigned_at).is_not(None),
            )
            return list(session.exec(rows).all())


def assign_references(session: Session, onboarding_id: int, by: str, at: datetime) -> None:
    """Keep, in an open transaction, that a person has assigned every new reference of an onboarding."""
    rows = select(Reference).where(Reference.onboarding_id == onboarding_id, col(Reference.assigned_at).is_(None))
    for row in session.exec(rows).all():
        row.assigned_by, row.assigned_at = by, at
        session.add(row)
