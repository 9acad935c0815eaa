"""A form's questions as the page shows them: values, marks, errors and the ids that tie them together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from starlette.datastructures import UploadFile

from bot.onboarding.answer_types import WrongAnswer, holds_private_key
from bot.onboarding.answers import Given, asked_fields, required_fields
from bot.onboarding.drafts import as_typed
from bot.web.form_marks import RequiredRule, sent_as
from bot.web.key_files import key_line
from checklists.model import Form, FormField, FormSection, Language, Localized

# How each type of field is asked for; what is not named here is a single line of text.
MANY_LINES = frozenset({"long_text", "public_key", "emails", "tax_ids", "networks"})
# Lists are one value a line; code is shown in a fixed-width letter.
ONE_A_LINE = frozenset({"emails", "tax_ids", "networks"})
FIXED_WIDTH = frozenset({"public_key", "path", "host", "networks", "period", "tax_ids", "port"})
INPUT_TYPES: Mapping[str, str] = {"date": "date", "email": "email", "phone": "tel"}
INPUT_MODES: Mapping[str, str] = {
    "integer": "numeric",
    "port": "numeric",
    "period": "numeric",
    "decimal": "decimal",
    "email": "email",
    "phone": "tel",
}


class SubmittedForm(Protocol):
    """What a POST brought: starlette's FormData."""

    def getlist(self, key: str) -> Sequence[object]:
        """Return every value of one name, in order."""


@dataclass(frozen=True)
class ConditionView:
    """Another question and the answers that make this one required, in words."""

    label: str
    answers: str


@dataclass(frozen=True)
class FieldView:
    """One question, ready to be shown in one language.

    ``error`` stops the sending; ``doubt`` is the same of a draft, which nobody has sent yet. ``is_asked`` is False
    while another answer makes the question needless: the page keeps it, hidden.
    """

    asked: FormField
    label: str
    help: str | None
    control: str
    values: tuple[str, ...]
    error: str | None
    read_only: bool
    conditions: tuple[ConditionView, ...]
    required: bool
    rule: RequiredRule | None
    doubt: str | None = None
    is_asked: bool = True

    @property
    def id(self) -> str:
        """The input's name and id."""
        return self.asked.id

    @property
    def example(self) -> str | None:
        """An answer to copy from, where one has to be typed."""
        return self.asked.example if self.control in {"line", "lines"} and not self.read_only else None

    @property
    def value(self) -> str:
        """The value of a control that holds one text."""
        return "\n".join(self.values)

    @property
    def input_type(self) -> str:
        """The type of a single-line input."""
        return INPUT_TYPES.get(self.asked.type, "text")

    @property
    def input_mode(self) -> str | None:
        """Which keyboard a phone shows."""
        return INPUT_MODES.get(self.asked.type)

    @property
    def one_a_line(self) -> bool:
        """Whether several values are asked for, one a line."""
        return self.asked.type in ONE_A_LINE

    @property
    def fixed_width(self) -> bool:
        """Whether letters are worth counting in this value."""
        return self.asked.type in FIXED_WIDTH

    @property
    def rule_for_script(self) -> str | None:
        """The rule of the required mark for the page's script, as JSON; None where the mark never changes."""
        if self.rule is None or not (self.rule.on or self.rule.off):
            return None
        return json.dumps({"always": self.rule.always, "on": self.rule.on, "off": self.rule.off})

    @property
    def takes_file(self) -> bool:
        """Whether the answer can be read from a file that the partner chooses."""
        return self.asked.type == "public_key" and not self.read_only

    @property
    def when_for_script(self) -> str | None:
        """The answers under which this is asked, for the page's script, as JSON; None where it always is."""
        if not self.asked.when:
            return None
        return json.dumps(
            {
                name: [sent_as(one) for one in (wanted if isinstance(wanted, tuple) else (wanted,))]
                for name, wanted in self.asked.when.items()
            }
        )

    @property
    def described_by(self) -> str | None:
        """The ids of the texts that belong to the input."""
        parts = (
            ("error", self.error),
            ("doubt", not self.read_only),
            ("help", self.help),
            ("example", self.example),
            ("lines", self.one_a_line and not self.read_only),
            ("when", self.conditions),
        )
        return " ".join(f"{self.id}-{part}" for part, is_there in parts if is_there) or None


@dataclass(frozen=True)
class SectionView:
    """Some questions under one heading."""

    id: str
    title: str
    fields: tuple[FieldView, ...]


@dataclass(frozen=True)
class FormView:
    """The whole form."""

    title: str
    sections: tuple[SectionView, ...]
    errors: tuple[FieldView, ...] = field(default=())

    @property
    def has_conditions(self) -> bool:
        """Whether any question is asked under conditions."""
        return any(each.asked.when for section in self.sections for each in section.fields)

    @property
    def takes_file(self) -> bool:
        """Whether any answer can be read from a file."""
        return any(each.takes_file for section in self.sections for each in section.fields)


def form_view(
    form: Form,
    language: Language,
    *,
    rules: Mapping[str, RequiredRule],
    filled: Given,
    given: Given | None = None,
    errors: Mapping[str, Localized] | None = None,
    doubts: Mapping[str, Localized] | None = None,
    yes_no: tuple[str, str],
) -> FormView:
    """Return the form with what was typed (``given``), else with the defaults.

    ``doubts`` are what would be errors if the draft were sent as it is. ``rules`` are the form's ``required_rules``,
    ``filled`` maps field ids to what the bot fills in, ``yes_no`` are those two words.
    """
    labels = {asked.id: asked.label.text(language) for asked in form.fields}
    types = {asked.id: asked.type for asked in form.fields}
    required = required_fields(form, given or {})
    asked_now = asked_fields(form, given or {}, filled)

    def in_words(name: str, sent: str) -> str:
        if types[name] == "boolean":
            return yes_no[0] if sent == "true" else yes_no[1]
        return sent

    def conditions(rule: RequiredRule | None) -> tuple[ConditionView, ...]:
        answers: dict[str, list[str]] = {}
        for condition in rule.on if rule else ():
            for name, sent in condition.items():
                answers.setdefault(name, []).append(in_words(name, sent))
        return tuple(ConditionView(labels[name], " / ".join(dict.fromkeys(said))) for name, said in answers.items())

    def field_view(asked: FormField) -> FieldView:
        error, doubt = (errors or {}).get(asked.id), (doubts or {}).get(asked.id)
        return FieldView(
            asked=asked,
            label=labels[asked.id],
            help=asked.help.text(language) if asked.help else None,
            control=_control(asked),
            values=_values(asked, filled, given),
            error=error.text(language) if error else None,
            read_only=asked.fill is not None,
            conditions=conditions(rules.get(asked.id)),
            required=asked.id in required,
            rule=rules.get(asked.id),
            doubt=doubt.text(language) if doubt and not error else None,
            is_asked=asked.id in asked_now or error is not None,
        )

    def section_view(section: FormSection) -> SectionView:
        return SectionView(section.id, section.title.text(language), tuple(field_view(each) for each in section.fields))

    sections = tuple(section_view(section) for section in form.sections)
    wrong = tuple(each for section in sections for each in section.fields if each.error)
    return FormView(form.title.text(language), sections, wrong)


def read_given(form: Form, submitted: SubmittedForm) -> dict[str, str | list[str]]:
    """Return what was typed, by field id; a field that was not sent is empty. Files and unknown names are left out."""
    given: dict[str, str | list[str]] = {}
    for asked in form.fields:
        if asked.fill is not None:
            continue
        texts = [value.replace("\r\n", "\n") for value in submitted.getlist(asked.id) if isinstance(value, str)]
        given[asked.id] = texts if asked.type == "choices" else "\n".join(texts[:1])
    return given


def read_key_files(form: Form, submitted: SubmittedForm) -> tuple[dict[str, str], dict[str, Localized]]:
    """Return the public keys that came as files (``<field>.file``), and what is wrong with the files, by field id."""
    lines: dict[str, str] = {}
    wrong: dict[str, Localized] = {}
    for asked in form.fields:
        if asked.type != "public_key":
            continue
        for upload in submitted.getlist(f"{asked.id}.file"):
            content = upload.file.read() if isinstance(upload, UploadFile) else b""
            if not content:
                continue
            try:
                lines[asked.id] = key_line(content)
            except WrongAnswer as refused:
                wrong[asked.id] = refused.text
    return lines, wrong


def has_stray_file(form: Form, submitted: SubmittedForm) -> bool:
    """Tell whether a file came where an answer is typed."""
    return any(isinstance(value, UploadFile) for asked in form.fields for value in submitted.getlist(asked.id))


def starting_point(form: Form, answers: Mapping[str, object], draft: Given) -> dict[str, str | list[str]]:
    """Return what a form that was begun before shows: the draft, under it the answers sent before, and the defaults."""
    defaults = {asked.id: asked.default for asked in form.fields if asked.default is not None}
    return {**as_typed(defaults), **as_typed(answers), **draft}


def only_asked(form: Form, given: Given, filled: Given) -> Given:
    """Leave out what was typed into questions that are not asked now. A private key stays: its owner must hear it."""
    asked_now = asked_fields(form, given, filled)
    return {name: value for name, value in given.items() if name in asked_now or holds_private_key(str(value))}


def _control(asked: FormField) -> str:
    if asked.fill is not None:
        return "lines" if asked.type in MANY_LINES else "line"
    match asked.type:
        case "choice":
            return "select"
        case "choices":
            return "checkboxes"
        case "boolean":
            return "yes_no"
        case _:
            return "lines" if asked.type in MANY_LINES else "line"


def _values(asked: FormField, filled: Given, given: Given | None) -> tuple[str, ...]:
    if asked.fill is not None:
        value = filled.get(asked.id, "")
    elif given is not None:
        value = given.get(asked.id, "")
        if holds_private_key(str(value)):
            # The answer is refused; a secret that came by mistake is not shown again.
            value = ""
    elif asked.default is not None:
        value = sent_as(asked.default)
    else:
        value = ""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value)
