"""A form's questions as the page shows them: values, marks, errors and the ids that tie them together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.onboarding.answers import Given, required_fields
from bot.web.form_marks import RequiredRule, sent_as
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
    """One question, ready to be shown in one language."""

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
    def described_by(self) -> str | None:
        """The ids of the texts that belong to the input."""
        parts = (
            ("error", self.error),
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


def form_view(
    form: Form,
    language: Language,
    *,
    rules: Mapping[str, RequiredRule],
    filled: Given,
    given: Given | None = None,
    errors: Mapping[str, Localized] | None = None,
    yes_no: tuple[str, str],
) -> FormView:
    """Return the form with what was typed (``given``), else with the defaults.

    ``rules`` are the form's ``required_rules``, ``filled`` maps field ids to what the bot fills in, ``yes_no`` are
    those two words.
    """
    labels = {asked.id: asked.label.text(language) for asked in form.fields}
    types = {asked.id: asked.type for asked in form.fields}
    required = required_fields(form, given or {})

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
        error = (errors or {}).get(asked.id)
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
        if "PRIVATE KEY" in str(value):
            # The answer is refused; a secret that came by mistake is not shown again.
            value = ""
    elif asked.default is not None:
        value = sent_as(asked.default)
    else:
        value = ""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value)
