"""The published JSON schema of the policy file, for editors and for checks before a deployment.

The loader is stricter than any schema can be: it also refuses rules that could never match.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast

from texml_mcp.gate.policy.model import Policy

FILE_NAME = "policy.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of the TOML file's content (Draft 2020-12), derived from the models that read it."""
    schema = _tidy(Policy.model_json_schema(mode="validation"))
    return {"$schema": _DIALECT, "title": "texml-mcp policy", **schema}


def _tidy(schema: Any, *, named: bool = False) -> Any:
    """Without what the models say and a TOML file cannot: null, and a title that repeats its key.

    `named` is for a table of schemas by name, where `title` or `default` would be a name.
    """
    if isinstance(schema, list):
        return [_tidy(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    given = cast("dict[str, Any]", schema)
    if named:
        return {name: _tidy(each) for name, each in given.items()}
    tidy = {
        key: _tidy(value, named=key in ("properties", "$defs"))
        for key, value in given.items()
        if key != "title" and not (key == "default" and value is None)
    }
    choices = tidy.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [each for each in cast("list[Any]", choices) if each != {"type": "null"}]
        del tidy["anyOf"]
        tidy |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    return tidy


def schema_text() -> str:
    """The schema as its committed file holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def committed_text() -> str:
    """The schema that comes with the package."""
    return (files("texml_mcp.gate.policy") / FILE_NAME).read_text("utf-8")
