"""The tables of the one database: onboardings, steps, trail, evidence, effects, due rows, files, invoices, references.

State lives here; Slack and Jira are views of it. Rows hold plain JSON where a shape belongs to another module, which
then has the only reader and writer of that shape.
"""

from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy import JSON, Column, DateTime, Index, LargeBinary, TypeDecorator, UniqueConstraint, text
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

StepState = Literal["pending", "ready", "running", "waiting", "done", "failed", "skipped", "not_applicable"]
OnboardingState = Literal["open", "done", "cancelled"]

MET: frozenset[StepState] = frozenset({"done", "skipped", "not_applicable"})
# States of a step that has begun and is not over.
UNDER_WAY = frozenset({"running", "waiting", "failed"})


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone, so it is put back on reading; a naive moment is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any zone into UTC."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs a time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        del dialect
        return None if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _json() -> Any:
    return Field(default_factory=dict, sa_type=JSON, nullable=False)


def _moment(*, nullable: bool = False) -> Any:
    return Field(default=None if nullable else ..., sa_type=UtcDateTime, nullable=nullable)


class Onboarding(SQLModel, table=True):
    """One activation of one operator for one client of one partner. ``revision`` is its last trail event's number.

    ``accountable`` is the one person that a manager has named, as the settings' roles name people; ``reopened`` counts
    the times that it was opened again.
    ``links_renewed`` counts the times that every link sent out for it was made void.
    """

    __tablename__ = "onboarding"
    __table_args__ = (
        # One open onboarding per operator, partner and client, whichever of its two names is given.
        Index(
            "one_open_per_root",
            "pack",
            "partner",
            "root_key",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(
            "one_open_per_client",
            "pack",
            "partner",
            "client_key",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    pack: str = Field(index=True)
    pack_version: int
    pack_digest: str
    operator: str
    partner: str = Field(index=True)
    partner_email: str
    client: str
    client_key: str
    root: str
    root_key: str
    tax_ids: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    options: dict[str, Any] = _json()
    language: str
    due: date | None = None
    state: str = Field(default="open", index=True)
    revision: int = 0
    head: str = ""
    links_renewed: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    started_by: str
    # Who began it, by their stable id (``slack:U123``): it is theirs on their Home.
    starter: str = Field(default="", index=True, sa_column_kwargs={"server_default": ""})
    started_at: datetime = _moment()
    closed_at: datetime | None = _moment(nullable=True)
    accountable: str | None = None
    accountable_name: str | None = None
    reopened: int = Field(default=0, sa_column_kwargs={"server_default": "0"})

    @property
    def key(self) -> str:
        """The name people use: ``ONB-7``."""
        return f"ONB-{self.id}"


class StepRecord(SQLModel, table=True):
    """Where one step of one onboarding stands.

    ``run`` counts the times it was begun; a job that belongs to an earlier run is ignored. ``note`` says what is
    waited for, ``code``/``seen``/``advice`` why it failed: texts in three languages. ``memory`` is the step kind's own.
    ``due_set`` is the due date that a person has set, in place of the pack's.
    """

    __tablename__ = "step"
    __table_args__ = (UniqueConstraint("onboarding_id", "step_id"),)

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    step_id: str
    position: int
    kind: str
    role: str
    state: str = Field(default="pending", index=True)
    run: int = 0
    waits_for: str | None = None
    note: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    code: str | None = None
    seen: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    advice: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    reason: str | None = None
    link: str | None = None
    memory: dict[str, Any] = _json()
    due_on: date | None = None
    due_set: date | None = None
    accountable: str | None = None
    accountable_name: str | None = None
    changed_at: datetime | None = _moment(nullable=True)
    changed_by: str | None = None


class FormDraft(SQLModel, table=True):
    """What has been typed into a form that has not been sent: unchecked texts by field id, for all who hold the link.

    It is no event: no trail line and no revision come of it. ``saves`` counts, so that a page knows whether the draft
    is still the one that it showed.
    """

    __tablename__ = "form_draft"

    onboarding_id: int = Field(foreign_key="onboarding.id", primary_key=True)
    step_id: str = Field(primary_key=True)
    typed: dict[str, Any] = _json()
    saves: int = 0
    saved_at: datetime = _moment()


class Event(SQLModel, table=True):
    """One line of an onboarding's audit trail: append-only, each hashed over its content and the line before."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("onboarding_id", "seq"),)

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    seq: int
    at: datetime = _moment()
    actor: str
    kind: str
    step: str | None = None
    content: dict[str, Any] = _json()
    previous: str
    hash: str


class Received(SQLModel, table=True):
    """An event from outside that has been carried out: the same one again changes nothing."""

    __tablename__ = "received"
    __table_args__ = (Index("received_at", "at"),)

    source: str = Field(primary_key=True)
    at: datetime = _moment()


class InboxRecord(SQLModel, table=True):
    """An event from outside that was acknowledged and is not carried out yet; ``at`` is when it was kept, or taken."""

    __tablename__ = "inbox"

    source: str = Field(primary_key=True)
    at: datetime = _moment()
    body: dict[str, Any] = _json()


class EvidenceRecord(SQLModel, table=True):
    """One piece of evidence of a step, tied to the trail event that brought it: a fact, a file or a finding."""

    __tablename__ = "evidence"

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    step_id: str
    seq: int
    position: int
    kind: str
    content: dict[str, Any] = _json()


class EffectRecord(SQLModel, table=True):
    """One write outside: claimed before the call, completed with the id that came back."""

    __tablename__ = "effect"
    __table_args__ = (
        Index(
            "effect_unfinished",
            "claimed_at",
            sqlite_where=text("external_id IS NULL"),
            postgresql_where=text("external_id IS NULL"),
        ),
    )

    key: str = Field(primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    state: str = "claimed"
    claimed_at: datetime = _moment()
    completed_at: datetime | None = _moment(nullable=True)
    external_id: str | None = None


class DueRecord(SQLModel, table=True):
    """Work due at a time.

    ``subject`` is ``step:<id>`` or ``surface:<name>`` (the next look or retry), ``remind:<step>``, ``mail:<step>``,
    ``talk:<step>`` (what is said about its ticket), ``mirror:<name>`` (what people did to the mirrored steps),
    ``letter:<line>``, ``deadline`` or ``overdue``. ``run`` is the step's run, for a mail the trail line that it tells
    of; ``attempts`` counts failed tries, of a reminder the times that it came due. ``set_at`` is when ``due_at`` was
    decided: a row that was set later than now comes from a clock that has gone back. ``since`` is since when looking
    has brought nothing new. ``signal`` names what a lookout sees for all (``ticket:DB-7``), ``mark`` what it saw there
    last.
    """

    __tablename__ = "due"
    __table_args__ = (UniqueConstraint("onboarding_id", "subject"),)

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    subject: str
    run: int = 0
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    enqueued_for: datetime | None = _moment(nullable=True)
    attempts: int = 0
    set_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, nullable=True, index=True))
    since: datetime | None = _moment(nullable=True)
    signal: str | None = Field(default=None, index=True)
    mark: str | None = None


class LookRecord(SQLModel, table=True):
    """When a lookout looks next for all steps that wait for its server, and until when it has seen everything."""

    __tablename__ = "look"

    name: str = Field(primary_key=True)
    due_at: datetime = _moment()
    set_at: datetime = _moment()
    enqueued_for: datetime | None = _moment(nullable=True)
    seen_until: datetime | None = _moment(nullable=True)


class SurfaceRecord(SQLModel, table=True):
    """How far one surface (Slack, Jira) shows one onboarding: its parent, the last report, the last picture sent.

    ``trouble`` is why it could not be written at the last try, None when it could.
    """

    __tablename__ = "surface"

    onboarding_id: int = Field(foreign_key="onboarding.id", primary_key=True)
    name: str = Field(primary_key=True)
    parent: str | None = None
    parent_link: str | None = None
    reported: int = 0
    revision: int = 0
    digest: str = ""
    trouble: str | None = None


class Person(SQLModel, table=True):
    """Somebody in Slack (``slack:U123``) with what Slack says of them, as it was ``asked_at``.

    ``language`` is None where they have set one that the bot does not speak.
    """

    __tablename__ = "person"

    id: str = Field(primary_key=True)
    language: str | None = None
    zone: str = ""
    asked_at: datetime = _moment()


class GroupRecord(SQLModel, table=True):
    """A user group of Slack's (``S123``) with its members' ids, as Slack told them at ``seen_at``."""

    __tablename__ = "user_group"

    id: str = Field(primary_key=True)
    members: list[str] = _json()
    seen_at: datetime = _moment()


class HomeRecord(SQLModel, table=True):
    """A person's Home: what they chose to see, and how far what is shown there has come.

    ``wanted`` counts what has changed for them, ``shown`` is how far of it was sent last, as ``digest``; ``mark`` is
    what the surface calls that (Slack's view hash). A Home that is behind is ``due_at`` a time, and that time was
    decided at ``set_at``. ``is_over``: the person is gone, and nothing is sent until they open it again.
    """

    __tablename__ = "home"

    person: str = Field(primary_key=True)
    filters: dict[str, Any] = _json()
    steps_page: int = 0
    page: int = 0
    wanted: int = 0
    shown: int = 0
    digest: str = ""
    mark: str = ""
    sent_at: datetime | None = _moment(nullable=True)
    due_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, nullable=True, index=True))
    set_at: datetime | None = _moment(nullable=True)
    enqueued_for: datetime | None = _moment(nullable=True)
    attempts: int = 0
    is_over: bool = False


class Restoration(SQLModel, table=True):
    """The database was put back from a backup: what the bot did outside after that backup is in no ledger.

    ``highest_id`` is the highest onboarding that may be known outside; a new one gets a number above it, so that an old
    message or mailed link never leads to somebody else's onboarding.
    """

    __tablename__ = "restoration"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _moment()
    highest_id: int


class Chore(SQLModel, table=True):
    """Upkeep that is due at a time; whichever process moves the time on does it."""

    __tablename__ = "chore"

    name: str = Field(primary_key=True)
    due_at: datetime = _moment()


class SourceFile(SQLModel, table=True):
    """A file that a partner delivered: where it was, what it is, where its copy lies, how it ended."""

    __tablename__ = "source_file"
    __table_args__ = (Index("source_file_sha256", "sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    name: str
    arrival: str = ""
    sha256: str
    size: int
    path: str
    state: str = "received"
    received_at: datetime = _moment()


class Invoice(SQLModel, table=True):
    """An invoice integrated in a client's root.

    ``number_key`` is the number as it is compared. Amounts are decimal strings: net, tax, out_of_tax with 4 decimals.
    ``lines`` is what each of its lines was billed; None for an invoice that was integrated before this was kept.
    One that was replaced stays, superseded: by whom, why, and by which file.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        # A number is unique among the invoices that count.
        Index(
            "one_current_invoice",
            "operator",
            "supplier_tax_id",
            "number_key",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    operator: str
    root: str = Field(index=True)
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
    source_sha256: str
    lines: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    superseded_at: datetime | None = _moment(nullable=True)
    superseded_by: str | None = None
    superseded_reason: str | None = None
    superseded_by_sha256: str | None = None


class Month(SQLModel, table=True):
    """What one file brought for one month of a root: its lines, and the last day of usage of each account."""

    __tablename__ = "month"
    __table_args__ = (UniqueConstraint("operator", "root", "source_sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    operator: str
    root: str = Field(index=True)
    period: str
    gross: str
    lines: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    accounts: dict[str, Any] = _json()
    source_sha256: str
    loaded_on: date


class Reference(SQLModel, table=True):
    """A line, account or cost centre of a root: new until a person has confirmed its assignment.

    ``suggestion`` names the known reference that it may belong with.
    """

    __tablename__ = "reference"
    __table_args__ = (UniqueConstraint("operator", "root", "kind", "ref"),)

    id: int | None = Field(default=None, primary_key=True)
    onboarding_id: int = Field(foreign_key="onboarding.id", index=True)
    operator: str
    root: str = Field(index=True)
    kind: str
    ref: str
    label: str = ""
    first_seen_invoice: str = ""
    net: str = "0.0000"
    suggestion: str = Field(default="", sa_column_kwargs={"server_default": ""})
    assigned_by: str | None = None
    assigned_at: datetime | None = _moment(nullable=True)


class KeptPack(SQLModel, table=True):
    """A pack that an onboarding began with: its files as one ZIP archive, so that any machine can go on with it."""

    __tablename__ = "kept_pack"

    digest: str = Field(primary_key=True)
    pack: str
    content: bytes = Field(sa_type=LargeBinary, nullable=False)


class InstallationFact(SQLModel, table=True):
    """What all processes of this installation must agree on, by name: the links' key, the shared folder."""

    __tablename__ = "installation"

    name: str = Field(primary_key=True)
    value: str


class DigestRecord(SQLModel, table=True):
    """When one manager gets the next morning digest; ``stopped`` when they want none. ``tries`` failed in a row."""

    __tablename__ = "digest"

    person: str = Field(primary_key=True)
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    set_at: datetime = _moment()
    enqueued_for: datetime | None = _moment(nullable=True)
    tries: int = 0
    stopped: bool = False
