"""Who acts, and what each role may do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.locales import say
from bot.onboarding.errors import NotAllowed
from checklists.model import Localized, Role

ActorKind = Literal["slack", "jira", "link", "shell", "system"]


@dataclass(frozen=True)
class Actor:
    """A person or a machine. ``id`` is stable (``slack:U123``, ``shell:ana``), ``name`` is what people read."""

    kind: ActorKind
    id: str
    name: str


SYSTEM = Actor("system", "system", "onboarding-bot")


@dataclass(frozen=True)
class Roles:
    """Who holds which role, by Slack user id or Jira account.

    No manager configured: anyone in the channel is one. No Data Base team configured: the managers act for it.
    The partner is never in Slack; a manager may act for it there, and the trail says so.
    """

    members: Mapping[Role, Sequence[str]] = field(default_factory=dict)

    def may(self, actor: Actor, role: Role) -> bool:
        """Tell whether the actor may confirm, skip or retry a step of this role."""
        match actor.kind:
            case "system" | "shell":
                return True
            case "link":
                return role == "partner"
            case "jira":
                # In Jira nobody is in a channel of the team's: an account acts where it is listed.
                acts_as = "manager" if role == "partner" else role
                return self._listed(actor, acts_as) or self._listed(actor, "admin")
            case "slack":
                return self._in_slack(actor, role)

    def accountable(self, role: str, starter: str) -> list[str]:
        """Return who answers for a role, the one to turn to first; ``starter`` is the id of who began the onboarding.

        The managers answer for the partner, and for a role that nobody was named for.
        """
        managers = self.members.get("manager") or ()
        listed = managers if role == "partner" else self.members.get(role, ()) or managers  # type: ignore[call-overload]
        kind, _, person = starter.partition(":")
        if kind == "slack" and (person in listed or not listed):
            return [person, *(member for member in listed if member != person)]
        return list(listed)

    def require(self, actor: Actor, role: Role, *others: Role) -> None:
        """Raise NotAllowed, naming who may, unless the actor may act for the role, or for one of the others."""
        if not any(self.may(actor, each) for each in (role, *others)):
            raise NotAllowed(say("refused.role", role=role_name(role), who=self._who(role)))

    def _in_slack(self, actor: Actor, role: Role) -> bool:
        if self._listed(actor, "admin"):
            return True
        is_manager = not self.members.get("manager") or self._listed(actor, "manager")
        match role:
            case "manager" | "partner":
                return is_manager
            case "data_base":
                return self._listed(actor, "data_base") if self.members.get("data_base") else is_manager
            case "admin":
                return is_manager if not self.members.get("admin") else False

    def _listed(self, actor: Actor, role: Role) -> bool:
        return actor.id.partition(":")[2] in self.members.get(role, ())

    def _who(self, role: Role) -> str:
        listed = self.members.get(role) or self.members.get("manager") or ()
        return ", ".join(f"<@{member}>" if member.startswith(("U", "W")) else member for member in listed) or "—"


def role_name(role: str) -> Localized:
    """Return what people call a role."""
    return say(f"role.{role}")
