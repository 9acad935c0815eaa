"""A form's questions as the page shows them: values, marks, errors and the ids that tie them together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from checklists.model import Form, FormField, FormSection, Language, Localized

Given = Mapping[str, str | list[str]]

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
class Condition:
    """Another field's answer that makes this one required; ``answer`` in words."""

    label: str
    answer: str


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
    conditions: tuple[Condition, ...]

    @property
    def id(self) -> str:
        """The input's name and id."""
        return self.asked.id

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
    def required_when(self) -> str | None:
        """The conditions for the page's script, as JSON: field id to the value that a browser sends."""
        return json.dumps({name: sent_as(value) for name, value in self.asked.required_when.items()}) or None

    @property
    def described_by(self) -> str | None:
        """The ids of the texts that belong to the input."""
        parts = (
            ("error", self.error),
            ("help", self.help),
            ("example", self.asked.example and not self.read_only),
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
    filled: Given,
    given: Given | None = None,
    errors: Mapping[str, Localized] | None = None,
    yes_no: tuple[str, str],
) -> FormView:
    """Return the form with what was typed (``given``), else with the defaults; ``yes_no`` are those two words."""
    labels = {asked.id: asked.label.text(language) for asked in form.fields}
    types = {asked.id: asked.type for asked in form.fields}

    def answer_in_words(name: str, value: object) -> str:
        if types.get(name) == "boolean":
            return yes_no[0] if value else yes_no[1]
        return str(value)

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
            conditions=tuple(
                Condition(labels.get(name, name), answer_in_words(name, value))
                for name, value in asked.required_when.items()
            ),
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


def sent_as(value: object) -> str:
    """Return a value as a browser sends it: booleans as ``true`` and ``false``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


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
        value = filled.get(asked.fill, "")
    elif given is not None:
        value = given.get(asked.id, "")
    elif asked.default is not None:
        value = sent_as(asked.default)
    else:
        value = ""
    if isinstance(value, str):
        return (value,) if value else ()
    return tuple(value)
