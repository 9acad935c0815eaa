"""Who is turned to about a step: the person that a manager has named for it, before those whom the role names."""

from bot.onboarding.actors import Roles
from bot.onboarding.flow import Change
from bot.onboarding.models import StepRecord


def who_answers(change: Change, roles: Roles, role: str, starter: str, record: StepRecord | None = None) -> list[str]:
    """Return who answers for a role in an onboarding, the one to turn to first.

    Whoever was named for the step comes first; then, for what the managers answer for, whoever was named for the whole
    onboarding. ``starter`` is the id of who began it.
    """
    listed = roles.accountable(role, starter)
    named = record.accountable if record is not None else None
    if named is None and (role in {"manager", "partner"} or not roles.members.get(role)):  # type: ignore[call-overload] # any text may be asked for
        named = change.onboarding.accountable
    return [named, *(member for member in listed if member != named)] if named else listed
