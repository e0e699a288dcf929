"""Resources: reference text that a model or a person can read when it is needed, and pays for only then."""

from __future__ import annotations

import json
from typing import Any

VERBS_URI = "texml://verbs"

RESOURCES: list[dict[str, Any]] = [
    {
        "uri": VERBS_URI,
        "name": "verbs",
        "title": "TeXML verbs",
        "description": "Every TeXML verb with its attributes and what may stand inside it.",
        "mimeType": "application/json",
    }
]


def read(uri: str) -> str | None:
    """The text of a resource; None when there is none of that address."""
    return _verbs() if uri == VERBS_URI else None


def _verbs() -> str:
    from texml_mcp.texml import AS_OF, VERBS

    table = {
        name: {
            "attributes": [attribute.name for attribute in verb.attributes.values()],
            "inside": list(verb.children),
        }
        for name, verb in VERBS.items()
    }
    return json.dumps({"as_of": str(AS_OF), "verbs": table}, separators=(",", ":"))
