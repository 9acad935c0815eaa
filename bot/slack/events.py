"""What an event says of itself: who acted, and which event it is."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from bot.onboarding.actors import Actor

Payload = Mapping[str, Any]


def actor_of(body: Payload) -> Actor:
    """Return whoever acted."""
    user = body["user"]
    name = user.get("name") or user.get("username") or user["id"]
    return Actor("slack", f"slack:{user['id']}", str(name))


def action_source(body: Payload, action: Payload) -> str:
    """Name a click, so that the same event delivered again is known; two clicks never share all of this."""
    chosen = [*(action.get("selected_options") or ()), action.get("selected_option") or {}]
    said = (
        action.get("action_ts"),
        body.get("trigger_id"),
        action.get("block_id"),
        action.get("action_id"),
        ",".join(str(option.get("value")) for option in chosen if option),
    )
    return f"slack:action:{':'.join(str(part) for part in said)}"[:512]


def view_source(view: Payload) -> str:
    """Name the submission of a modal by the modal and what was entered.

    Sent again because the answer was late it is the same one. With other words after a refusal at a field it is another
    one, though Slack's hash of the modal is the same as before.
    """
    entered = json.dumps((view.get("state") or {}).get("values") or {}, sort_keys=True)
    said = sha256(entered.encode()).hexdigest()[:16]
    return f"slack:view:{view.get('id')}:{view.get('hash')}:{said}"[:512]
