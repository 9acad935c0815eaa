"""People in Jira as the settings and forms name them: a mail address, a user name, an account id."""

from typing import Any

from jira import JIRA, JIRAError

from bot.jira import rest
from bot.jira.finding import is_cloud


def find_person(client: JIRA, named: str) -> str | None:
    """Return the account id (Cloud) or the user name (Data Center) of one active person; None where nobody, or more
    than one, answers to it. Raises JIRAError."""
    if "@" in named:
        return _by_address(client, named)
    argument = "accountId" if is_cloud(client) else "username"
    try:
        person = rest.get(client, "user", **{argument: named})
    except JIRAError as error:
        if error.status_code in {400, 404}:
            return None
        raise
    return _id_of(client, person) if person.get("active", True) else None


def person_field(client: JIRA, person_id: str) -> dict[str, str]:
    """Return a person as a field's value names them."""
    return {"accountId" if is_cloud(client) else "name": person_id}


def watches(client: JIRA, key: str, person_id: str) -> bool:
    """Tell whether somebody watches an issue. Raises JIRAError."""
    watchers = rest.get(client, f"issue/{key}/watchers").get("watchers") or []
    return any(_id_of(client, watcher) == person_id for watcher in watchers)


def _by_address(client: JIRA, address: str) -> str | None:
    argument = "query" if is_cloud(client) else "username"
    found: list[dict[str, Any]] = rest.get(client, "user/search", **{argument: address})
    people = [person for person in found if person.get("active", True)]
    # Cloud finds by the address and may hide it: then the one who was found is the one.
    exact = [person for person in people if str(person.get("emailAddress") or "").casefold() == address.casefold()]
    if not exact and len(people) == 1 and not people[0].get("emailAddress"):
        exact = people
    return _id_of(client, exact[0]) if len(exact) == 1 else None


def _id_of(client: JIRA, person: dict[str, Any]) -> str:
    return str(person["accountId" if is_cloud(client) else "name"])
