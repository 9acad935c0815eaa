"""What the bot fills into a partner's form itself: the partner only sees it (domain, section 4)."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.onboarding.view import OnboardingView
from checklists.model import Form

# An activation works in the partner's test directories (design, "The directory, and proving it").
ENVIRONMENT = "TEST"
BY_CONSOLE = "CONSOLE"


def filled_values(
    view: OnboardingView, *, transfer_root: str, protocol: str, now: datetime
) -> Mapping[str, str | list[str]]:
    """Return the values by the name that a field's key ``fill`` gives.

    ``transfer_root`` and ``protocol`` are the settings TRANSFER__ROOT and TRANSFER__PROTOCOL. An onboarding without
    a directory step delivers through My Console: its ``in_protocol`` says so and it has no ``in_directory``.
    ``filled_at`` is the day in the pack's time zone, as ISO 8601.
    """
    by_directory = any(step.definition.kind == "directory" and step.state != "not_applicable" for step in view.steps)
    root = transfer_root.rstrip("/")
    in_directory = f"{root}/{view.partner}/test/{view.pack.operator_code}/{view.root}/in"
    return {
        "partner": view.partner,
        "client": view.client,
        "root": view.root,
        "tax_ids": list(view.tax_ids),
        "operator": view.operator,
        "country": view.pack.checklist.operator.country,
        "in_protocol": protocol.upper() if by_directory else BY_CONSOLE,
        "in_directory": in_directory if by_directory else "",
        "environment": ENVIRONMENT,
        "filled_at": now.astimezone(ZoneInfo(view.pack.checklist.time_zone)).date().isoformat(),
    }


def filled_fields(form: Form, values: Mapping[str, str | list[str]]) -> Mapping[str, str | list[str]]:
    """Return the filled-in values by field id, for the fields of a form that the bot fills."""
    return {asked.id: values[asked.fill] for asked in form.fields if asked.fill is not None}
