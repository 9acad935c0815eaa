"""Who acts, and what each role may do."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, Self

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
class Accountable:
    """The one person who was named to answer for an onboarding or a step.

    ``id`` is theirs as in the settings' roles (a Slack user or group id, a Jira account), or their name where they have
    none; ``name`` is what people read.
    """

    id: str
    name: str

    @classmethod
    def of(cls, kept_id: str | None, kept_name: str | None) -> Self | None:
        """Read what a row keeps; None where nobody is named."""
        return cls(kept_id, kept_name or kept_id) if kept_id else None


class Groups(Protocol):
    """The members of Slack's user groups. No method raises: while Slack is away the last known ones count."""

    def refresh(self, groups: Collection[str]) -> None:
        """Bring what is known of some groups up to date, in a moment; never within a transaction."""

    def members(self, group: str) -> Collection[str]:
        """Return the user ids of a group as they are known; asks nobody."""

    def unanswered(self) -> Mapping[str, datetime | None]:
        """Return the groups that Slack did not answer for at the last try, with when it last did; None: never."""


class NoGroups:
    """Implements ``Groups`` where there is no Slack to ask."""

    def refresh(self, groups: Collection[str]) -> None:
        """There is nothing to learn."""

    def members(self, group: str) -> Collection[str]:
        """Nobody is known to be in a group."""
        del group
        return ()

    def unanswered(self) -> Mapping[str, datetime | None]:
        """Nobody was asked."""
        return {}


def is_slack_user(member: str) -> bool:
    """Tell a Slack user's id from other members of a role."""
    return _is_slack_id(member, "UW")


def is_slack_group(member: str) -> bool:
    """Tell a Slack user group's id from other members of a role."""
    return _is_slack_id(member, "S")


def _is_slack_id(member: str, kinds: str) -> bool:
    return len(member) > 3 and member[0] in kinds and member.isascii() and member.isalnum() and member.isupper()


@dataclass(frozen=True)
class Roles:
    """Who holds which role, by Slack user id, Slack user group id or Jira account.

    No manager configured: anyone in the channel is one. No Data Base team configured: the managers act for it.
    The partner is never in Slack; a manager may act for it there, and the trail says so. In Jira whoever may work on
    the Data Base team's tickets acts for it, unless the settings name its accounts; every other role is for accounts
    that are named. A link is the partner's, for the partner's role alone.
    """

    members: Mapping[Role, Sequence[str]] = field(default_factory=dict)
    groups: Groups = field(default_factory=NoGroups)

    def refresh(self) -> None:
        """Bring the user groups that the roles name up to date; to be called outside of transactions."""
        named = {member for members in self.members.values() for member in members if is_slack_group(member)}
        if named:
            self.groups.refresh(named)

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
        if kind == "slack" and (not listed or self._among(person, listed)):
            return [person, *(member for member in listed if member != person)]
        return list(listed)

    def require(self, actor: Actor, role: Role, *others: Role) -> None:
        """Raise NotAllowed, naming who may, unless the actor may act for the role, or for one of the others."""
        if not any(self.may(actor, each) for each in (role, *others)):
            raise NotAllowed(say("refused.role", role=role_name(role), who=self.who(role)))

    def who(self, role: Role) -> str:
        """Return who holds a role, people in Slack as mentions; a dash where nobody is named."""
        listed = self.members.get(role) or self.members.get("manager") or ()
        return ", ".join(_as_mention(member) for member in listed) or "—"

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
        return self._among(actor.id.partition(":")[2], self.members.get(role, ()))

    def _among(self, person: str, listed: Sequence[str]) -> bool:
        return person in listed or any(
            person in self.groups.members(member) for member in listed if is_slack_group(member)
        )


def _as_mention(member: str) -> str:
    if is_slack_user(member):
        return f"<@{member}>"
    return f"<!subteam^{member}>" if is_slack_group(member) else member


def role_name(role: str) -> Localized:
    """Return what people call a role."""
    return say(f"role.{role}")
