"""How Jira says no: a status with ``errorMessages`` for the request and ``errors`` for its fields."""

from collections.abc import Mapping

from bot.sandbox.jira.entities import JsonObject


class Refusal(Exception):
    """An answer that is an error; its ``as_json`` is Jira's ErrorCollection."""

    def __init__(
        self,
        status: int,
        *messages: str,
        errors: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, *messages, *(errors or {}).values())
        self.status = status
        self.messages = list(messages)
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})

    def as_json(self) -> JsonObject:
        """The body of the answer."""
        return {"errorMessages": self.messages, "errors": self.errors}


def bad_field(field: str, message: str) -> Refusal:
    """Return the refusal of one field's value."""
    return Refusal(400, errors={field: message})


def not_on_screen(field: str) -> str:
    """Return Jira's words for a field that may not be set, or does not exist."""
    return f"Field '{field}' cannot be set. It is not on the appropriate screen, or unknown."


def no_such_issue() -> Refusal:
    """Return the refusal of a key or id that no issue has."""
    return Refusal(404, "Issue Does Not Exist")
