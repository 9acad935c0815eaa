"""What an operator pack holds, as frozen types: the checklist, the form and the files.

Read top down: texts, options, steps, checklist, form, files, and the whole pack.
Unknown keys are errors everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["fr", "en", "es"]
LANGUAGES: tuple[Language, ...] = ("fr", "en", "es")

Role = Literal["manager", "data_base", "partner", "admin"]

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
OptionValue = bool | str

# A pack's id is its folder's name, and part of the names of directories and files.
PACK_ID = r"^[a-z][a-z0-9_]{1,39}$"


class Frozen(BaseModel):
    """The base of all pack types: immutable, and a key that is not known is an error."""

    # Most types are only ever read as a part of another one, which has its own copy of how they are validated.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Localized(Frozen):
    """One text in the three languages that are equals here."""

    fr: str = Field(min_length=1, pattern=r"\S")
    en: str = Field(min_length=1, pattern=r"\S")
    es: str = Field(min_length=1, pattern=r"\S")

    def text(self, language: Language) -> str:
        """Return the text in one language."""
        match language:
            case "fr":
                return self.fr
            case "en":
                return self.en
            case "es":
                return self.es

    @classmethod
    def same(cls, text: str) -> Self:
        """Return a text that reads the same in every language: a name, a path, a number."""
        return cls(fr=text, en=text, es=text)


class Operator(Frozen):
    """The operator's name as people write it, and its country (ISO 3166 alpha-2)."""

    name: str = Field(min_length=1, max_length=40)
    country: str = Field(pattern=r"^[A-Z]{2}$")


class Option(Frozen):
    """A question of the start modal, beside partner, client, root, tax ids and due date."""

    id: Identifier
    type: Literal["boolean", "choice"]
    label: Localized
    choices: tuple[str, ...] = ()

    def accepts(self, value: object) -> bool:
        """Tell whether ``value`` is one of the answers that this option knows."""
        if self.type == "boolean":
            return isinstance(value, bool)
        return isinstance(value, str) and value in self.choices


class Tick(Frozen):
    """One checkbox of a manual step."""

    id: Identifier
    label: Localized


class Due(Frozen):
    """When a step should be done: working days of the pack's calendar after the start or another step."""

    working_days: int = Field(ge=0, le=365)
    after: str = "start"


class Remind(Frozen):
    """How often the person who must act is reminded, and after how many reminders the manager hears of it."""

    every_working_days: int = Field(ge=1, le=60)
    escalate_after: int = Field(ge=1, le=60)


class Step(Frozen):
    """One step of the checklist. ``parameters`` is the step kind's own model, read from the key ``with``.

    ``confirmations``: how many different people must confirm it, where people do.
    """

    id: Identifier
    kind: str
    title: Localized
    when: Mapping[str, OptionValue] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    role: Role
    ticks: tuple[Tick, ...] = Field(default=(), max_length=10)
    guide: str | None = None
    due: Due | None = None
    remind: Remind | None = None
    confirmations: int = Field(default=1, ge=1, le=5)
    parameters: Any = None

    def applies(self, options: Mapping[str, OptionValue]) -> bool:
        """Tell whether the step belongs to an onboarding started with these options."""
        return all(options.get(name) == value for name, value in self.when.items())


# The parameters of each kind of step: the key `with` of checklist.yaml.


class Choice(Frozen):
    """An answer of a manual step and what it does to the step."""

    id: Identifier
    label: Localized
    outcome: Literal["done", "wait", "fail"]


class ConfirmParameters(Frozen):
    """Either this list of choices or the step's own ticks."""

    choices: tuple[Choice, ...] = Field(default=(), max_length=10)


class FormParameters(Frozen):
    """The form's file in the pack, and who fills it in."""

    form: str = "form.yaml"
    by: Role = "partner"


class DirectoryParameters(Frozen):
    """A directory step needs no parameters: its layout follows from partner, operator and root."""


class TicketOutcome(Frozen):
    """The resolutions or the statuses of a ticket that mean this outcome."""

    resolutions: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()


class TicketParameters(Frozen):
    """The ticket to the Data Base team. ``summary`` takes {operator} {partner} {client} {root} {key}."""

    summary: str
    labels: tuple[Annotated[str, Field(pattern=r"^\S{1,255}$")], ...] = ()
    done: TicketOutcome
    refused: TicketOutcome = TicketOutcome()


class GuidedField(Frozen):
    """A field that a person chooses in My Console, and what to choose there."""

    label: Localized
    value: str


class DepositParameters(Frozen):
    """The fields to choose in My Console when the deposit goes that way."""

    fields: tuple[GuidedField, ...] = ()


Stage = Literal[
    "arrival",
    "name",
    "header",
    "read",
    "schema",
    "identity",
    "duplicates",
    "totals",
    "output",
    "integration",
    "references",
    "ofc",
    "delivery",
]
STAGES: tuple[Stage, ...] = get_args(Stage)


class ChainParameters(Frozen):
    """The stages of the test-file chain that this step runs, in the chain's order."""

    stages: tuple[Stage, ...] = Field(min_length=1)


class ReferencesParameters(Frozen):
    """A references step needs no parameters."""


class WatchParameters(Frozen):
    """A probe named in the settings (``PROBES__<SETTING>__…``); without it a person confirms."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    probe: Literal["path", "sql", "http"]
    setting: Identifier
    otherwise: Literal["confirm"] = Field(default="confirm", alias="else")


class AskParameters(Frozen):
    """A yes-or-no question and who answers it."""

    of: Role
    question: Localized


class Checklist(Frozen):
    """checklist.yaml: the operator, the options of a start, and the steps in the order people see them."""

    pack: str = Field(pattern=PACK_ID)
    version: int = Field(ge=1)
    operator: Operator
    time_zone: str = "Europe/Madrid"
    calendar: tuple[str, ...] = ()
    title: Localized
    options: tuple[Option, ...] = ()
    steps: tuple[Step, ...] = Field(min_length=1)

    def step(self, step_id: str) -> Step:
        """Return the step with this id. Raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)


FieldType = Literal[
    "text",
    "long_text",
    "choice",
    "choices",
    "boolean",
    "date",
    "integer",
    "decimal",
    "email",
    "emails",
    "phone",
    "tax_ids",
    "host",
    "port",
    "path",
    "public_key",
    "period",
    "networks",
]


class FormField(Frozen):
    """One question of a form. ``fill`` names what the bot fills in itself (the partner only sees it).

    ``when`` names other fields and what their answers must be, one value or any of several, for it to be asked at all.
    """

    id: Identifier
    type: FieldType
    label: Localized
    help: Localized | None = None
    example: str | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None
    required: bool = False
    required_when: Mapping[str, OptionValue] = Field(default_factory=dict)
    when: Mapping[str, OptionValue | tuple[OptionValue, ...]] = Field(default_factory=dict)
    default: OptionValue | int | None = None
    fill: (
        Literal[
            "partner",
            "client",
            "root",
            "tax_ids",
            "operator",
            "country",
            "in_protocol",
            "in_directory",
            "environment",
            "filled_at",
        ]
        | None
    ) = None


class FormSection(Frozen):
    """Some questions under one heading."""

    id: Identifier
    title: Localized
    fields: tuple[FormField, ...] = Field(min_length=1)


class Form(Frozen):
    """form.yaml: what the partner is asked."""

    form: Identifier
    version: int = 1
    title: Localized
    sections: tuple[FormSection, ...] = Field(min_length=1)

    @property
    def fields(self) -> tuple[FormField, ...]:
        """All fields, in the order they are asked."""
        return tuple(asked for section in self.sections for asked in section.fields)


ColumnType = Literal["text", "memo", "integer", "decimal", "currency", "double", "date", "boolean", "guid", "binary"]
# ACE is what Jet is called from Access 2007 on.
JetFormat = Literal["JET3", "JET4", "ACE12", "ACE14", "ACE15", "ACE16", "ACE17"]
Policy = Literal["allow", "warn", "block"]
SchemaPolicy = Literal["ignore", "warn", "block"]
Severity = Literal["block", "quarantine", "warn", "info"]


class SourceTable(Frozen):
    """A table of the operator's file under the operator's own names."""

    required: bool = True
    columns: Mapping[str, ColumnType]
    optional_columns: tuple[str, ...] = ()


class TaxRule(Frozen):
    """A tax rate in force from a day on; with postcode prefixes it holds for those alone."""

    regime: Literal["IVA", "IGIC", "IPSI"]
    rate: Decimal
    postcodes: tuple[str, ...] = ()
    valid_from: date
    valid_to: date | None = None


class Tolerances(Frozen):
    """How far two sums may be apart, in the file's currency."""

    line_sum: Decimal = Decimal("0.01")
    line_sum_per_row: Decimal = Decimal("0.00005")
    line_sum_cap: Decimal = Decimal("1.00")
    tax: Decimal = Decimal("0.01")
    tax_per_row: Decimal = Decimal("0.00005")
    total: Decimal = Decimal("0.01")
    header: Decimal = Decimal("0.01")
    usage: Decimal = Decimal("0.01")


class Files(Frozen):
    """files.yaml: what the operator's billing file is called and looks like."""

    status: Literal["assumed", "confirmed"]
    confirmed_sample: str | None = None
    name: str
    example: str
    formats: tuple[JetFormat, ...]
    password: Policy = "block"  # noqa: S105 - the policy for files that have a password
    encoded: Policy = "block"
    max_bytes: int = Field(default=2_147_483_648, ge=1)
    tables: Mapping[str, SourceTable]
    unknown_table: SchemaPolicy = "warn"
    unknown_column: SchemaPolicy = "warn"
    issuers: tuple[str, ...]
    currencies: tuple[str, ...]
    tax: tuple[TaxRule, ...] = ()
    tolerances: Tolerances = Tolerances()
    severities: Mapping[str, Severity] = Field(default_factory=dict)


class OutputColumn(Frozen):
    """A column of an Output layout: its name, the OUTPUT v1 column it takes, and whether it is left blank."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str
    source: str = Field(alias="from")
    blank: bool = False


class OutputProfile(Frozen):
    """output.yaml: another Output layout over the columns of OUTPUT v1."""

    columns: tuple[OutputColumn, ...]
    separator: str = ";"
    decimal: Literal[".", ","] = "."
    encoding: str = "utf-8"
    bom: bool = False
    line_ending: Literal["CRLF", "LF"] = "CRLF"


class FindingTexts(Frozen):
    """What a pack's own check tells people; ``{column}`` is filled in from the offending row."""

    message: Localized
    advice: Localized


@dataclass(frozen=True)
class PackCheck:
    """One SQL check of a pack: its code, its severity and its single SELECT."""

    name: str
    code: str
    severity: Severity
    sql: str


@dataclass(frozen=True)
class Pack:
    """A loaded operator pack.

    ``digest`` is the sha256 over all its files, so a run can tell which pack it began with.
    """

    path: Path
    digest: str
    checklist: Checklist
    forms: Mapping[str, Form] = field(default_factory=dict)
    files: Files | None = None
    mapping_sql: str | None = None
    checks: Sequence[PackCheck] = ()
    findings: Mapping[str, FindingTexts] = field(default_factory=dict)
    output: OutputProfile | None = None
    guides: Mapping[Language, Mapping[str, str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The pack's id, which is its folder's name."""
        return self.checklist.pack

    @property
    def operator_code(self) -> str:
        """The operator as a directory name: the pack id in capitals, such as ``TELEFONICA_ES``."""
        return self.id.upper()

    def guide(self, step: Step, language: Language) -> str | None:
        """Return the guide's section of a step in one language; None for a step without guide."""
        return self.guides[language][step.guide] if step.guide else None
