"""`texml://verbs`: the verbs of TeXML, for whoever writes a document."""

from __future__ import annotations

from typing import Any

from texml_mcp.texml import AS_OF, VERBS


def verbs() -> dict[str, Any]:
    """Every verb with its attributes and what may stand inside it."""
    table = {
        name: {
            "attributes": [attribute.name for attribute in verb.attributes.values()],
            "inside": list(verb.children),
        }
        for name, verb in VERBS.items()
    }
    return {"as_of": str(AS_OF), "verbs": table}
