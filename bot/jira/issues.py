"""What both sides of the adapter do with an issue whose key is known: attachments, transitions, refusals in words."""

import io
from typing import Any

from jira import JIRA

from bot.jira.connection import JiraConnection, JiraRefused
from bot.locales import say
from bot.onboarding.errors import StepFailed

# From a workflow's first status to a done one; more hops than that is no workflow that people use.
MOST_HOPS = 6


def is_done(client: JIRA, key: str) -> bool:
    """Tell whether an issue's status belongs to the category done."""
    status = client.issue(key, fields="status").fields.status
    return _category(status) == "done"


def finish(client: JIRA, key: str, wanted: str | None) -> str:
    """Transition an issue until it is done; return the status it ends in.

    ``wanted`` is the transition's name from the settings; without it the first one offered that leads to a done
    status, by way of a status in progress where the workflow asks for it. Raises JiraRefused when there is no way.
    """
    visited: set[str] = set()
    for _ in range(MOST_HOPS):
        issue = client.issue(key, fields="status")
        status = issue.fields.status
        if _category(status) == "done":
            return str(status.name)
        visited.add(str(status.name))
        offered = client.transitions(key, expand="transitions.fields")
        transition = _choose(offered, wanted, visited)
        if transition is None:
            names = ", ".join(str(each["name"]) for each in offered) or "none"
            raise JiraRefused(409, f"{key} is in {status.name!r}; no transition leads to a done status ({names}).")
        client.transition_issue(key, transition["id"], fields=_required_fields(transition))
    raise JiraRefused(409, f"{key} is not done after {MOST_HOPS} transitions; set JIRA__DONE_TRANSITION.")


def next_transition(client: JIRA, key: str, wanted: str | None) -> tuple[str | None, list[str]]:
    """Return the transition that ``finish`` would take next (None: it finds no way), and the names of all offered."""
    offered = client.transitions(key, expand="transitions.fields")
    chosen = _choose(offered, wanted, {str(client.issue(key, fields="status").fields.status.name)})
    return str(chosen["name"]) if chosen is not None else None, [str(each["name"]) for each in offered]


def reopen(client: JIRA, key: str) -> str:
    """Transition an issue that is done until it is not, as near to its beginning as the workflow offers.

    Return the status it ends in. Raises JiraRefused when no transition leads there.
    """
    status = client.issue(key, fields="status").fields.status
    if _category(status) != "done":
        return str(status.name)
    offered = client.transitions(key, expand="transitions.fields")
    back = [each for each in offered if _target_category(each) != "done"]
    if not back:
        names = ", ".join(str(each["name"]) for each in offered) or "none"
        raise JiraRefused(409, f"{key} is in {status.name!r}; no transition opens it again ({names}).")
    nearest = min(back, key=lambda each: _target_category(each) != "new")
    client.transition_issue(key, nearest["id"], fields=_required_fields(nearest))
    return str(nearest["to"]["name"])


def attachment_id(client: JIRA, key: str, name: str) -> str | None:
    """Return the id of an issue's attachment by its name; None when there is none."""
    for attachment in getattr(client.issue(key, fields="attachment").fields, "attachment", None) or ():
        if attachment.filename == name:
            return str(attachment.id)
    return None


def attach(client: JIRA, key: str, name: str, content: bytes) -> str:
    """Attach a file to an issue; return the attachment's id."""
    added = client.add_attachment(key, io.BytesIO(content), filename=name)
    return str(added.id)


def refused_step(connection: JiraConnection, refused: JiraRefused) -> StepFailed:
    """Return the failure of a step that Jira refuses to serve, with what to do."""
    return StepFailed(
        "JIRA_REFUSED",
        say("jira.refused", status=refused.status, reason=refused.reason),
        say(refused.advice, url=connection.settings.url),
    )


def _choose(offered: list[dict[str, Any]], wanted: str | None, visited: set[str]) -> dict[str, Any] | None:
    if wanted is not None:
        for transition in offered:
            if str(transition["name"]).casefold() == wanted.casefold():
                return transition
    done = [each for each in offered if _target_category(each) == "done"]
    under_way = [each for each in offered if _target_category(each) != "done" and each["to"]["name"] not in visited]
    return next(iter([*done, *under_way]), None)


def _required_fields(transition: dict[str, Any]) -> dict[str, Any]:
    """Fill in what a transition's screen demands, where the choice is Jira's own list (the resolution)."""
    filled: dict[str, Any] = {}
    for name, field in (transition.get("fields") or {}).items():
        allowed = field.get("allowedValues") or ()
        if field.get("required") and allowed:
            best = next((value for value in allowed if value.get("name") in {"Done", "Fixed"}), allowed[0])
            filled[name] = {"name": best["name"]} if "name" in best else {"id": best["id"]}
    return filled


def _category(status: Any) -> str:
    category = getattr(status, "statusCategory", None)
    return str(getattr(category, "key", ""))


def _target_category(transition: dict[str, Any]) -> str:
    return str(transition["to"].get("statusCategory", {}).get("key", ""))
