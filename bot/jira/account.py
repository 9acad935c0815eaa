"""Who the bot is in Jira: asked once, and told to whoever must know the bot's own writes."""

from collections.abc import Callable
from threading import Lock
from typing import Any

from jira import JIRA

from bot.onboarding.actors import Actor


class OwnAccount:
    """The account of the settings' token. ``learned`` hears of it once in each process."""

    def __init__(self, learned: Callable[[str], object] = str) -> None:
        self._learned = learned
        self._id: str | None = None
        self._asking = Lock()

    def id(self, client: JIRA) -> str:
        """Return the account id (Cloud) or the user name (Data Center). Raises what the client raises."""
        with self._asking:
            if self._id is None:
                self._id = account_of(client.myself())
                self._learned(self._id)
            return self._id


def account_of(person: Any) -> str:
    """Return the id of a user as Jira shows one: the account id on Cloud, the user name on Data Center."""
    return str(_of(person, "accountId") or _of(person, "name") or _of(person, "key") or "")


def actor_of(person: Any) -> Actor:
    """Return a user of Jira as an actor; an anonymous one has no id."""
    account = account_of(person)
    return Actor("jira", f"jira:{account}", str(_of(person, "displayName") or account or "Jira"))


def _of(person: Any, name: str) -> Any:
    return person.get(name) if isinstance(person, dict) else getattr(person, name, None)
