"""Which questions are marked as required, and by which other answers: for the page's marks and its script.

What is required is decided by the check of the answers alone. The page learns its rules by asking that check what
it would require after each possible choice, so the marks cannot drift away from it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.onboarding.answers import required_fields
from checklists.model import Form

# Answers of other fields, as a browser sends them; all must be given.
Condition = Mapping[str, str]


@dataclass(frozen=True)
class RequiredRule:
    """A question is required if it is ``always`` or one of ``on`` holds, unless one of ``off`` holds."""

    always: bool
    on: tuple[Condition, ...] = ()
    off: tuple[Condition, ...] = ()


def required_rules(form: Form) -> Mapping[str, RequiredRule]:
    """Return the rule of every question that is ever required, by field id: of one that is asked at all (``when``)."""
    form = _always_asked(form)
    always = required_fields(form, {})
    choices = tuple(_single_choices(form))
    after = [(choice, required_fields(form, choice)) for choice in choices]
    rules: dict[str, RequiredRule] = {}
    for asked in form.fields:
        if asked.fill is not None:
            continue
        is_always = asked.id in always
        on: list[Condition] = [] if is_always else [choice for choice, required in after if asked.id in required]
        if not is_always and len(asked.required_when) > 1:
            on.append({name: sent_as(value) for name, value in asked.required_when.items()})
        if not is_always and not on:
            continue
        start = dict(on[0]) if on else {}
        off = [
            choice
            for choice in choices
            if not choice.keys() & start.keys() and asked.id not in required_fields(form, {**start, **choice})
        ]
        rules[asked.id] = RequiredRule(is_always, tuple(on), tuple(off))
    return rules


def _always_asked(form: Form) -> Form:
    """Return the form without the conditions under which its questions are asked: a hidden one shows no mark."""
    sections = tuple(
        section.model_copy(update={"fields": tuple(asked.model_copy(update={"when": {}}) for asked in section.fields)})
        for section in form.sections
    )
    return form.model_copy(update={"sections": sections})


def sent_as(value: object) -> str:
    """Return a value as a browser sends it: booleans as ``true`` and ``false``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _single_choices(form: Form) -> Iterator[dict[str, str]]:
    for asked in form.fields:
        if asked.fill is None and asked.type == "boolean":
            yield {asked.id: "true"}
            yield {asked.id: "false"}
        elif asked.fill is None and asked.type == "choice":
            yield from ({asked.id: choice} for choice in asked.choices)
