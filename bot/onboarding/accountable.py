"""Who is turned to about a step: the person that a manager has named for it, before those whom the role names."""

from bot.onboarding.actors import Roles
from bot.onboarding.change import Change
from bot.onboarding.models import StepRecord
from bot.onboarding.view import OnboardingView, StepView


def who_answers(change: Change, roles: Roles, role: str, starter: str, record: StepRecord | None = None) -> list[str]:
    """Return who answers for a role in an onboarding, the one to turn to first.

    Whoever was named for the step comes first; then, for what the managers answer for, whoever was named for the whole
    onboarding. ``starter`` is the id of who began it.
    """
    return _first(
        roles, role, starter, record.accountable if record is not None else None, change.onboarding.accountable
    )


def who_must_act(view: OnboardingView, step: StepView, roles: Roles) -> list[str]:
    """Return who answers for a step that is shown, by the same rule. Slack may be asked who is in a user group."""
    roles.refresh()
    whole = view.accountable.id if view.accountable else None
    return _first(roles, step.role, view.starter, step.accountable.id if step.accountable else None, whole)


def _first(roles: Roles, role: str, starter: str, named: str | None, whole: str | None) -> list[str]:
    listed = roles.accountable(role, starter)
    if named is None and (role in {"manager", "partner"} or not roles.members.get(role)):  # type: ignore[call-overload] # any text may be asked for
        named = whole
    return [named, *(member for member in listed if member != named)] if named else listed
