"""Which number a call may show: one of the account's own, when the policy lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from texml_mcp.catalog import endpoint
from texml_mcp.catalog.model import Kind, Role
from texml_mcp.gate.guards.digits import plain
from texml_mcp.gate.guards.model import Finding, GuardConfig, Request

GUARD = "callers"
# Read as text, not as XML: a document that does not parse is the linter's, and may still be dialled.
_CALLER_ID = re.compile(r"""\bcallerid\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{|\$\{|<%")


def check(request: Request, config: GuardConfig) -> tuple[Finding, ...]:
    """Refuse a caller id that is not on the list, in the arguments or in `<Dial callerId>`."""
    if not config.own_caller_ids:
        return ()
    own = {_same(each) for each in config.own_caller_ids}
    found: list[Finding] = []
    for where, value in _shown(request.endpoint, request.wire):
        if _TEMPLATE.search(value):
            message = f"{where} is filled in only when the call runs: it cannot be checked before."
            found.append(Finding(GUARD, "confirm", "caller_templated", message, value))
        elif _same(value) not in own:
            message = f"{where} {value} is not one of the caller ids that policy lists."
            found.append(Finding(GUARD, "deny", "caller_not_own", message, value))
    return tuple(found)


def _shown(tool: str, wire: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for _, param in endpoint(tool).params():
        if param.role is Role.CALLER and wire.get(param.name):
            yield param.name, str(wire[param.name])
        elif param.kind is Kind.TEXML and isinstance(wire.get(param.name), str):
            for match in _CALLER_ID.finditer(wire[param.name]):
                if value := match[1][1:-1].strip():
                    yield "Dial callerId", value


def _same(value: str) -> str:
    """A number however it is punctuated; a SIP address as it stands."""
    text = plain(value).lower()
    return text if "@" in text else re.sub(r"[\s().\-]", "", text)
