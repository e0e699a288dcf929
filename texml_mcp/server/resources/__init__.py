"""Resources: what a model or a person reads when it is needed, and pays for only then."""

from __future__ import annotations

import json
from typing import Any

from texml_mcp.execute import Services
from texml_mcp.server.reader import Reader
from texml_mcp.server.resources.addresses import CALL_TEMPLATE, CALLS, ResourceError, call_sid_in, is_sid

__all__ = ["CALL_TEMPLATE", "RESOURCES", "VERBS_URI", "ResourceError", "is_sid", "read", "templates"]

VERBS_URI = "texml://verbs"
POLICY_URI = "texml://policy"
JSON = "application/json"

RESOURCES: list[dict[str, Any]] = [
    {
        "uri": VERBS_URI,
        "name": "verbs",
        "title": "TeXML verbs",
        "description": "Every TeXML verb with its attributes and what may stand inside it.",
        "mimeType": JSON,
        "annotations": {"audience": ["assistant"], "priority": 0.3},
    },
    {
        "uri": POLICY_URI,
        "name": "policy",
        "title": "Policy",
        "description": "What runs, asks first or is denied now, by risk and tool; guards and budgets.",
        "mimeType": JSON,
        "annotations": {"audience": ["user", "assistant"], "priority": 0.6},
    },
]
_CALLS: dict[str, Any] = {
    "uriTemplate": CALL_TEMPLATE,
    "name": "call",
    "title": "One call",
    "description": "A call as it is now, with its recordings and the conference it sits in.",
    "mimeType": JSON,
    "annotations": {"audience": ["user", "assistant"], "priority": 0.8},
}


def templates(services: Services) -> list[dict[str, Any]]:
    """The templates whose tools this principal is offered."""
    return [_CALLS] if "get_call" in services.offered else []


async def read(reader: Reader, uri: str) -> str:
    """The JSON text of a resource. Raises `ResourceError`."""
    if uri == VERBS_URI:
        from texml_mcp.server.resources.verbs import verbs

        return _compact(verbs())
    if uri == POLICY_URI:
        from anyio import to_thread

        from texml_mcp.server.resources.rules import policy

        # Whether writes are stopped may be a question to a file or a store: nobody else waits for it.
        return _compact(await to_thread.run_sync(policy, reader.services))
    offered = templates(reader.services)
    if uri.startswith(CALLS) and offered:
        from texml_mcp.server.resources.calls import call

        return _compact(await call(reader, call_sid_in(uri)))
    known = [each["uri"] for each in RESOURCES] + [each["uriTemplate"] for each in offered]
    raise ResourceError(f"No such resource. Valid: {', '.join(known)}.", missing=True)


def _compact(story: dict[str, Any]) -> str:
    return json.dumps(story, separators=(",", ":"), ensure_ascii=False)
