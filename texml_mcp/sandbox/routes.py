"""Which endpoint a path is, derived from the catalogue."""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import unquote

from texml_mcp.catalog import ENDPOINTS, Endpoint
from texml_mcp.sandbox import errors
from texml_mcp.sandbox.exchange import BASE
from texml_mcp.sandbox.handlers import HANDLERS


@cache
def routes() -> tuple[tuple[str, re.Pattern[str], Endpoint], ...]:
    """Method, path and endpoint. A path that ends without `.json` answers with it too, as its URIs do."""
    absent = [each.id for each in ENDPOINTS if each.id not in HANDLERS]
    if absent:
        raise RuntimeError(f"endpoints without a sandbox handler: {', '.join(absent)}")
    found: list[tuple[str, re.Pattern[str], Endpoint]] = []
    for each in ENDPOINTS:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(each.path))
        suffix = "" if each.path.endswith(".json") or "Recordings" in each.path else r"(?:\.json)?"
        found.append((each.method, re.compile(pattern + suffix), each))
    return tuple(found)


def route(method: str, path: str) -> tuple[Endpoint, dict[str, str]]:
    """The endpoint of a raw path, and its parameters, decoded segment by segment. Raises `ApiError`."""
    if not path.startswith(BASE + "/"):
        raise errors.not_found()
    for known, pattern, each in routes():
        if known == method and (match := pattern.fullmatch(path[len(BASE) :])):
            return each, {name: unquote(value) for name, value in match.groupdict().items()}
    raise errors.not_found()
