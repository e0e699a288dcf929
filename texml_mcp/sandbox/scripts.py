"""Where a call's instructions come from: the world's scripted table, or a loopback address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from texml_mcp.sandbox.delivery import why_not_loopback
from texml_mcp.sandbox.documents import Step, steps
from texml_mcp.sandbox.errors import ApiError
from texml_mcp.sandbox.fetching import FetchError
from texml_mcp.texml.verbs import VERBS

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

_URLS = frozenset(
    each.name
    for verb in VERBS.values()
    for each in verb.attributes.values()
    if each.type in ("url", "stream")
)
_HANG_UP: Step = {"verb": "Hangup", "attributes": {}, "text": "", "children": []}


def fetch(
    world: World,
    call: Record,
    url: str,
    fallback: str | None = None,
    *,
    method: str | None = None,
    fallback_method: str | None = None,
    fields: dict[str, Any] | None = None,
) -> list[Step]:
    """The document behind a URL, from the world's scripted table; `*` stands for every other URL.

    Where the world may fetch, a loopback address that the table does not have is asked instead.
    A document that is absent or cannot be run is replaced by the fallback's, or ends the call.
    """
    for address, verb in ((url, method), (fallback, fallback_method)):
        if not address:
            continue
        whole = urljoin(call["from_url"], address) if call.get("from_url") else address
        try:
            text = _text(world, call, world.filled(whole), verb or "POST", fields or {})
            if text is None:
                raise FetchError("no such document")
            found = steps(text)
        except (FetchError, ApiError) as error:
            world.note("fetch-failed", call["sid"], url=whole, why=str(error))
            continue
        world.note("fetched", call["sid"], url=whole)
        call["from_url"] = whole
        return found
    return [_HANG_UP]


def next_document(
    world: World, call: Record, attributes: dict[str, str], event: str, **fields: Any
) -> list[Step]:
    """The document that the `action` of a verb asks for, told what the verb came to."""
    method = attributes.get("method") or "POST"
    url = urljoin(call.get("from_url") or "", attributes["action"])
    told = {"CallSid": call["sid"], "CallSidLegacy": call["sid"], "CallStatus": call["status"], **fields}
    world.send({"url": url, "method": method}, event, "texml-action", **told)
    asked = {name: str(value) for name, value in fields.items() if value is not None}
    return fetch(world, call, url, world.failover(call["sid"]), method=method, fields=asked)


def _text(world: World, call: Record, address: str, method: str, fields: dict[str, Any]) -> str | None:
    scripted = world.documents.get(address)
    if scripted or world.fetcher is None or why_not_loopback(address):
        return scripted or world.documents.get("*")
    told = {
        "AccountSid": world.account_sid,
        "CallSid": call["sid"],
        "CallStatus": call["status"],
        "From": call["from"],
        "To": call["to"],
        **({"AnsweredBy": call["answered_by"]} if call["answered_by"] else {}),
    }
    return world.fetcher(address, method, told | {name: str(value) for name, value in fields.items()})


def play(world: World, sid: str, what: str, url: str, method: str) -> None:
    """Note what a leg or a conference hears: a document's verbs, or a sound, which the sandbox only names.

    The stand-in for unknown documents is left out: an address that is not scripted is a sound.
    """
    address = world.filled(url)
    text, why = world.documents.get(address), ""
    if text is None and world.fetcher is not None and not why_not_loopback(address):
        try:
            text = world.fetcher(address, method, {"AccountSid": world.account_sid})
        except FetchError as error:
            why = str(error)
    if text is None or not text.lstrip("\ufeff \t\r\n").startswith("<"):
        world.note(what, sid, url=url, **({"failed": why} if why else {"heard": "sound"}))
        return
    try:
        found = steps(text)
    except ApiError as error:
        world.note(what, sid, url=url, failed=str(error))
        return
    world.note(what, sid, url=url, heard=[step["text"] or step["verb"] for step in found])


def with_secrets(world: World, step: Step) -> Step:
    """A step with its templates filled in, but for URLs: those may be kept, and state holds no secret.

    What asks for a URL fills it in by itself.
    """
    if not world.vault or "{{" not in str(step):
        return step
    holds_url = step["verb"] in ("Redirect", "Play")
    return {
        "verb": step["verb"],
        "attributes": {
            name: value if name in _URLS else world.filled(value)
            for name, value in step["attributes"].items()
        },
        "text": step["text"] if holds_url else world.filled(step["text"]),
        "children": [with_secrets(world, child) for child in step["children"]],
    }
