"""One request against one world, without HTTP: limit, fault, check, tick, handler."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote

from texml_mcp.catalog import Endpoint, Kind, endpoint
from texml_mcp.sandbox import errors
from texml_mcp.sandbox.faults import strike
from texml_mcp.sandbox.handlers import HANDLERS
from texml_mcp.sandbox.request import Request, checked
from texml_mcp.sandbox.world import Record, World

BASE = "/v2"
_PASSWORD = re.compile(r"""(\bpassword\s*=\s*)(["']).*?\2""", re.DOTALL)
Cut = Literal["", "reset", "timeout", "lost"]
UNLIMITED = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "1000", "x-ratelimit-reset": "60"}
Spoiled = Literal["", "malformed", "truncated", "html"]


@dataclass(slots=True)
class Reply:
    """An answer, and what the transport does to it: `cut` sends none, `spoiled` garbles it."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: Cut = ""
    spoiled: Spoiled = ""
    wait_seconds: float = 0.0


def exchange(
    world: World,
    endpoint_id: str,
    path: Mapping[str, str],
    query: Mapping[str, str],
    body: Mapping[str, Any],
) -> Reply:
    """The answer to one request, errors of the API among them. Raises `KeyError` for no endpoint.

    A world's watcher is told `{operation, path, query, body, status, cut, at, fault}`, secret values masked;
    `status` is what the API came to, 0 where nothing happened at all, also when the answer was lost.
    """
    known = endpoint(endpoint_id)
    headers, error = limit(world)
    fault = None if error is not None else strike(world, endpoint_id)
    if error is not None:
        reply = _refused(error, headers)
    else:
        reply = _answer(world, known, (path, query, body), headers, fault)
    if world.watcher is not None:
        told = {"operation": known.id, "path": dict(path), "query": dict(query), "body": _masked(known, body)}
        told |= {"status": reply.status, "cut": reply.cut, "at": world.clock.now}
        world.watcher(told | {"fault": fault["kind"] if fault else ""})
    return reply


def _answer(
    world: World,
    known: Endpoint,
    parts: tuple[Mapping[str, str], Mapping[str, str], Mapping[str, Any]],
    headers: dict[str, str],
    fault: Record | None,
) -> Reply:
    path, query, body = parts
    kind = fault["kind"] if fault else ""
    if fault is not None:
        world.note("fault", known.id, kind=kind)
        if kind == "reset":
            return Reply(0, None, cut="reset")
        if kind == "timeout":
            return Reply(0, None, cut="timeout", wait_seconds=fault["seconds"])
        if kind == "rate_limited":
            return _refused(errors.too_many(int(fault["retry_after_seconds"] or 1)), headers)
        if kind == "status":
            return _refused(errors.injected(fault), headers)
    try:
        behind = fault["seconds"] if fault and kind == "stale" else 0.0
        status, answer = _carried_out(world, known, path, query, body, behind)
    except errors.ApiError as refused:
        return _refused(refused, headers)
    reply = Reply(status, answer, headers)
    if fault is not None:
        if kind == "lost_response":
            reply.cut = "lost"
        elif kind == "timeout_after_commit":
            reply.cut, reply.wait_seconds = "timeout", fault["seconds"]
        elif kind == "slow":
            reply.wait_seconds = fault["seconds"]
        elif kind in ("malformed", "truncated", "html"):
            reply.spoiled = kind
    return reply


def _carried_out(
    world: World,
    known: Endpoint,
    path: Mapping[str, str],
    query: Mapping[str, str],
    body: Mapping[str, Any],
    behind: float,
) -> tuple[int, Any]:
    if path.get("account_sid", world.account_sid) != world.account_sid:
        raise errors.wrong_account() if known.id == "create_call" else errors.not_found()
    typed = checked(known, body)
    url = BASE + known.path.format(**{name: quote(value, safe=":") for name, value in path.items()})
    request = Request(known, url, path, query, typed, behind)
    if known.reads:
        return HANDLERS[known.id](world, request)
    if world.tick_seconds:
        world.advance(world.tick_seconds)
    world.note("request", known.id, path=dict(path), body=_masked(known, typed))
    return HANDLERS[known.id](world, request)


def _refused(error: errors.ApiError, headers: Mapping[str, str]) -> Reply:
    return Reply(error.status, error.body, {**headers, **error.headers})


def _masked(known: Endpoint, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request said, as it may be kept: without secret values and passwords."""
    kinds = {param.name: param.kind for param in known.body_params}
    shown: dict[str, Any] = {}
    for name, value in body.items():
        kind = kinds.get(name)
        if kind is Kind.SECRET:
            value = "***"
        elif kind is Kind.TEXML and isinstance(value, str):
            value = _PASSWORD.sub(r"\1\2***\2", value)
        shown[name] = value
    return shown


def limit(world: World) -> tuple[dict[str, str], errors.ApiError | None]:
    """Rate limit headers, and the refusal when nothing is left. A limit of 0 is none.

    Without one the headers are there all the same, of a budget that nothing is taken from: clients read them.
    """
    rate = world.rate
    if not rate["limit"]:
        return dict(UNLIMITED), None
    now = world.clock.now
    if now >= rate["resets"]:
        rate |= {"left": rate["limit"], "resets": now + rate["seconds"]}
    wait = max(1, round(rate["resets"] - now))
    refused = rate["left"] <= 0
    rate["left"] = max(0, rate["left"] - 1)
    headers = {
        "x-ratelimit-limit": str(rate["limit"]),
        "x-ratelimit-remaining": str(rate["left"]),
        "x-ratelimit-reset": str(wait),
    }
    return headers, errors.too_many(wait) if refused else None
