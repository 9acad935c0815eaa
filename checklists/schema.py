"""The JSON Schemas of a pack's YAML files, for editors and for other programs that write packs."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from checklists.model import (
    AskParameters,
    ChainParameters,
    Checklist,
    ConfirmParameters,
    DepositParameters,
    DirectoryParameters,
    Files,
    FindingTexts,
    Form,
    FormParameters,
    OutputProfile,
    ReferencesParameters,
    TicketParameters,
    WatchParameters,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"

BUILT_IN_KINDS: Mapping[str, type[BaseModel]] = {
    "ask": AskParameters,
    "chain": ChainParameters,
    "confirm": ConfirmParameters,
    "deposit": DepositParameters,
    "directory": DirectoryParameters,
    "form": FormParameters,
    "references": ReferencesParameters,
    "ticket": TicketParameters,
    "watch": WatchParameters,
}


def pack_schemas(kinds: Mapping[str, type[BaseModel]] = BUILT_IN_KINDS) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (draft 2020-12) of each YAML file by its name.

    ``kinds`` gives the parameter model of each kind of step, which is what ``with`` holds.
    """
    return {
        "checklist.yaml": _checklist(kinds),
        "form.yaml": _of(Form),
        "files.yaml": _of(Files),
        "findings.yaml": _findings(),
        "output.yaml": _of(OutputProfile),
    }


def _of(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True)}


def _findings() -> dict[str, Any]:
    schema = TypeAdapter(dict[str, FindingTexts]).json_schema()
    return {
        "$schema": DIALECT,
        "title": "Findings",
        "description": "findings.yaml: the texts of the codes that only this pack's checks report.",
        **schema,
    }


def _checklist(kinds: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """Return the schema of the file as it is written: ``with`` by kind, and ``role`` with a default by kind."""
    schema = _of(Checklist)
    definitions: dict[str, Any] = schema["$defs"]
    step = definitions["Step"]
    del step["properties"]["parameters"]
    step["required"].remove("role")
    step["properties"]["kind"] = {"enum": sorted(kinds), "title": "Kind"}
    step["properties"]["with"] = {"type": ["object", "null"], "title": "With"}
    step["allOf"] = []
    for kind, model in sorted(kinds.items()):
        parameters = model.model_json_schema(by_alias=True, ref_template="#/$defs/{model}")
        definitions.update(parameters.pop("$defs", {}))
        definitions[model.__name__] = parameters
        has: dict[str, Any] = {
            "properties": {"with": {"anyOf": [{"$ref": f"#/$defs/{model.__name__}"}, {"type": "null"}]}}
        }
        if parameters.get("required"):
            has = {"properties": {"with": {"$ref": f"#/$defs/{model.__name__}"}}, "required": ["with"]}
        step["allOf"].append({"if": {"properties": {"kind": {"const": kind}}}, "then": has})
    return schema
