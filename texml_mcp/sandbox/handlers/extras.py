"""Calls placed by an application's connection id.

What no document says is answered as for a call placed on the account: an id that nobody has is a 404, an
application that is off refuses, and instructions come from one place.
"""

from __future__ import annotations

from typing import Any

from texml_mcp.sandbox.assistants import TALK
from texml_mcp.sandbox.errors import contradiction
from texml_mcp.sandbox.handlers.calls import asked_document, inline_document, leg, of_application, record
from texml_mcp.sandbox.handlers.registry import Reply, find, handles
from texml_mcp.sandbox.request import Request, bad_request_422
from texml_mcp.sandbox.world import Record, World

_NAME = "connection_id"


@handles("create_connection_call")
def create_connection_call(world: World, request: Request) -> Reply:
    settings = _settings(world, request)
    if request.given("Url") and request.given("Texml"):
        raise contradiction("Url", "Texml")
    inline = inline_document(request)
    call = _dialed(world, request, settings)
    if inline is not None:
        call["script"] = inline
    else:
        call["asks"] = asked_document(request, settings, "Method")
    return 200, _answer(call)


@handles("initiate_ai_call")
def initiate_ai_call(world: World, request: Request) -> Reply:
    settings = _settings(world, request)
    assistant = {
        "id": request.given("AIAssistantId"),
        "version": request.given("AIAssistantVersion"),
        "variables": request.given("AIAssistantDynamicVariables", {}),
        "hooks": _hooks(request, "Conversation"),
        "talks": False,
    }
    # Its own addresses go before the application's; where no events are named, all there are is expected.
    usual = of_application(settings)
    hooks = _hooks(request, "Status") or ([{**usual, "events": []}] if usual else [])
    more = {"hook": hooks[0] if hooks else None, "more_hooks": hooks[1:]}
    call = _dialed(world, request, settings, assistant=assistant, **more)
    call["script"] = [TALK]
    record(world, request, call["sid"])
    return 200, _answer(call)


def _settings(world: World, request: Request) -> dict[str, Any]:
    settings = find(world, "applications", request.path[_NAME])["settings"]
    if not settings.get("active", True):
        raise bad_request_422(f"{_NAME}: the application is not active.", _NAME)
    return settings


def _dialed(world: World, request: Request, settings: dict[str, Any], **more: Any) -> Record:
    made = {**leg(request, request.path[_NAME], settings), "runs_document": True, **more}
    return world.dial(request.given("To"), request.given("From"), **made)


def _hooks(request: Request, what: str) -> list[Record]:
    """The addresses for one kind of events, given alone, as a list, or both; none is told twice."""
    name = f"{what}Callback"
    given = [request.given(name), *request.given(f"{name}s", [])]
    told = {
        "method": request.given(f"{name}Method", "POST"),
        "events": request.given(f"{name}Event", "").split(),
    }
    return [{"url": url, **told} for url in dict.fromkeys(each for each in given if each)]


def _answer(call: Record) -> dict[str, Any]:
    return {"call_sid": call["sid"], "from": call["from"], "to": call["to"], "status": "queued"}
