"""Bodies in and answers out, over ASGI: the size limit, answers that a fault spoils, and no answer at all."""

from __future__ import annotations

import json
from asyncio import sleep
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from texml_mcp.sandbox import errors
from texml_mcp.sandbox.exchange import Reply

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY = 1024 * 1024
_MOST_READ = 64 * MAX_BODY


def in_process(send: Send) -> bool:
    return _transport(send) is None


def _transport(send: Send) -> Any:
    """The socket's transport below uvicorn's `send`; `None` when no socket is in play."""
    return getattr(getattr(send, "__self__", None), "transport", None)


async def cut(send: Send, reply: Reply) -> None:
    """Give no answer: close the socket hard, or raise what httpx raises when there is none."""
    transport = _transport(send)
    if transport is not None:
        transport.abort()
        await sleep(0)  # so that the server notices before it finds that nothing was answered
        await sleep(0)
        return
    import httpx

    if reply.cut == "timeout":
        raise httpx.ReadTimeout("The sandbox gave no answer, as a fault asked.")
    raise httpx.ReadError("The sandbox cut the connection, as a fault asked.")


async def content_of(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            parts.clear()
        else:
            parts.append(part)
        # What is too much is still read, and thrown away: a client that is writing would not see the answer.
        if not message.get("more_body") or size > _MOST_READ:
            break
    if size > MAX_BODY:
        raise errors.bad_request(f"The body is larger than 1 MB ({MAX_BODY} bytes); nothing was changed.")
    return b"".join(parts)


async def respond(send: Send, reply: Reply) -> None:
    kind, content = _rendered(reply)
    sent = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    if content or reply.body is not None:
        sent += [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": reply.status, "headers": sent})
    await send({"type": "http.response.body", "body": content})


def _rendered(reply: Reply) -> tuple[bytes, bytes]:
    """Content type and bytes, spoiled where a fault asked for it."""
    if isinstance(reply.body, str):
        return b"text/html; charset=utf-8", reply.body.encode()
    if reply.spoiled == "html":
        return b"text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    if reply.body is None:
        return b"", b""
    content = json.dumps(reply.body, ensure_ascii=False).encode("utf-8", "replace")
    if reply.spoiled == "truncated":
        content = content[: len(content) // 2]
    elif reply.spoiled == "malformed":
        content = content.replace(b":", b"=", 1)
    return b"application/json", content
