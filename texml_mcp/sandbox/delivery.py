"""Callbacks delivered for real, to this machine and nowhere else, signed as the documented webhooks are.

Those of one call or conference arrive in their order: the next one leaves when the one before has been taken
or given up.

What became of a callback stands in its outbox entry as `delivery`: `{status, why, attempts}`. The status is
`pending`, `delivered`, `failed`, or `held` for an address that is not on loopback. An attempt is
`{url, answered}` with an HTTP status, or `{url, error}`.
"""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from collections import deque
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    import httpx
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from texml_mcp.sandbox.store import Record, Store

ROUNDS = 3  # how often the address, then its fallback, are tried
SECONDS = 2.0  # one attempt, from connecting to the status line
AT_ONCE = 8
_KEY_PURPOSE = b"sandbox webhook signing key\x00"


def why_not_loopback(url: str) -> str | None:
    """Why nothing may be sent to this address; `None` when it is on this machine."""
    import httpx

    try:
        address = httpx.URL(url)  # the parser that also connects: two parsers could disagree on the host
    except (httpx.InvalidURL, ValueError):
        return "not a URL"
    if address.scheme not in ("http", "https"):
        return "not an http or https address"
    if address.host == "localhost":
        return None
    try:
        return None if ip_address(address.host).is_loopback else "not a loopback address"
    except ValueError:
        return "not a loopback address"


def _private_key(seed: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    digest = hashlib.sha256(_KEY_PURPOSE + seed.encode("utf-8", "surrogatepass")).digest()
    return Ed25519PrivateKey.from_private_bytes(digest)


def public_key(seed: str) -> str:
    """The key that checks signatures of worlds of this seed: base64 of its 32 bytes."""
    return b64encode(_private_key(seed).public_key().public_bytes_raw()).decode()


def signed_headers(seed: str, moment: float, body: bytes) -> dict[str, str]:
    """The two signature headers; `moment` is world time in Unix seconds."""
    timestamp = str(int(moment))
    signature = _private_key(seed).sign(timestamp.encode() + b"|" + body)
    return {
        "telnyx-timestamp": timestamp,
        "telnyx-signature-ed25519": b64encode(signature).decode(),
    }


class Courier:
    """Delivers outbox entries in background tasks, at most `AT_ONCE` at a time, and one of each line."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Record]] = deque()
        self._on_their_way: set[tuple[str, str]] = set()
        self._workers: set[asyncio.Task[None]] = set()

    def collect(self, worlds: Iterable[Store]) -> None:
        """Take charge of every new entry and return at once. Needs a running event loop."""
        for world in worlds:
            fresh: list[Record] = []
            for entry in reversed(world.outbox):  # entries are claimed in order: older ones are in hand
                if "delivery" in entry:
                    break
                fresh.append(entry)
            for entry in reversed(fresh):
                entry["delivery"] = {"status": "pending", "why": None, "attempts": []}
                self._waiting.append((world.seed, entry))
        self._workers = {worker for worker in self._workers if not worker.done()}
        for _ in range(min(AT_ONCE - len(self._workers), len(self._waiting))):
            self._workers.add(asyncio.create_task(self._work()))

    async def settled(self) -> None:
        """Wait until everything collected so far has been delivered or given up."""
        await asyncio.gather(*self._workers)

    async def _work(self) -> None:
        import httpx

        # No proxy from the environment and no redirect: either would leave the machine.
        async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=SECONDS) as client:
            while (taken := self._next()) is not None:
                seed, entry = taken
                try:
                    await _deliver(client, seed, entry)
                finally:
                    self._on_their_way.discard(_line(seed, entry))

    def _next(self) -> tuple[str, Record] | None:
        """The oldest entry with none of its line on the way; whoever delivers that one looks again."""
        for at, (seed, entry) in enumerate(self._waiting):
            if (line := _line(seed, entry)) not in self._on_their_way:
                self._on_their_way.add(line)
                del self._waiting[at]
                return seed, entry
        return None


def _line(seed: str, entry: Record) -> tuple[str, str]:
    """What an entry keeps the order of: its world and the call or conference that it tells of."""
    fields: Record = entry["fields"]
    return seed, fields.get("CallSid") or fields.get("ConferenceSid") or entry["url"]


async def _deliver(client: httpx.AsyncClient, seed: str, entry: Record) -> None:
    delivery: Record = entry["delivery"]
    wanted: list[str] = [url for url in (entry["url"], entry.get("fallback_url")) if url]
    refused = {url: why for url in wanted if (why := why_not_loopback(url))}
    allowed = [url for url in wanted if url not in refused]
    if refused:
        delivery["why"] = "; ".join(f"{url}: {why}" for url, why in refused.items())
    if entry["url"] in refused:  # the fallback stands in for an address that failed, not for one never tried
        delivery["status"] = "held"
        return
    for url in allowed * ROUNDS:
        attempt = await _attempt(client, seed, entry, url)
        delivery["attempts"].append(attempt)
        if 200 <= attempt.get("answered", 0) < 300:
            delivery["status"] = "delivered"
            return
    delivery["status"] = "failed"


async def _attempt(client: httpx.AsyncClient, seed: str, entry: Record, url: str) -> dict[str, Any]:
    import httpx

    reads = entry["method"].upper() == "GET"
    fields = urlencode(entry["fields"], errors="replace").encode()
    body = b"" if reads else fields
    headers = signed_headers(seed, entry["at"], body)
    if not reads:
        headers["content-type"] = "application/x-www-form-urlencoded"
    try:
        target = httpx.URL(url).copy_merge_params(entry["fields"]) if reads else httpx.URL(url)
        async with (
            asyncio.timeout(SECONDS),
            client.stream("GET" if reads else "POST", target, content=body, headers=headers) as answer,
        ):
            return {"url": url, "answered": answer.status_code}  # the body is never read, however long
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
        return {"url": url, "error": type(error).__name__}
