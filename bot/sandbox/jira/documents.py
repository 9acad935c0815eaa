"""Text on Cloud, which is kept as a document (ADF): REST v2 writes and reads it as wiki markup, v3 as the document."""

import re

from bot.sandbox.jira.entities import JsonObject


def through_document(text: str) -> str:
    """Return wiki markup as Cloud gives it back: the same words, with its own line ends and blank lines.

    The real conversion changes more than this; whoever looks for a text of their own must not count on whitespace.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    spaced = ["\n----\n" if line == "----" else line for line in lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(spaced)).strip("\n")


def document(text: str) -> JsonObject:
    """Return a text as a document of paragraphs; markup is left as it stands."""
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": each}]} for each in text.split("\n") if each.strip()
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}


def with_documents(fields: JsonObject, texts: set[str]) -> JsonObject:
    """Return an issue's fields as REST v3 shows them; ``texts`` are the ids of the fields that hold long texts."""
    shown = {
        name: document(value) if name in texts and isinstance(value, str) else value for name, value in fields.items()
    }
    if "comment" in shown:
        comments = [each | {"body": document(each["body"])} for each in shown["comment"]["comments"]]
        shown["comment"] = shown["comment"] | {"comments": comments}
    return shown
