"""Who sits in front of the browser: sessions that end as soon as the token behind them does.

The cookie holds a random id and its signature. The store holds, under a digest of the id, the token
sealed with a key that is made from the id: whoever reads the store or the cookie alone has no token, and
every request asks anew whose the token is. A token that was revoked or has expired lets nobody in again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from texml_mcp.gate.seal import SealError, Seals
from texml_mcp.identity import Principal
from texml_mcp.server.pages.desk import Desk

SESSION_SECONDS = 8 * 3600.0
IDLE_SECONDS = 3600.0
SHORTEST_KEY = 32
_SPACE, _ABOUT = "pages/sessions", "token of a session"
_TOUCH_SECONDS = 60.0
_ID_BYTES = 32
_LONGEST_COOKIE = 200


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser. `id` is the secret in its cookie."""

    id: str
    principal: Principal

    @property
    def csrf(self) -> str:
        """What a form of this session must bring along; no other page can know it."""
        return _mac(self.id.encode(), "form")


class Sessions:
    """Sessions in the store that the replicas share. Methods may raise `StoreError`."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.time) -> None:
        if not desk.cookie_keys or any(len(key) < SHORTEST_KEY for key in desk.cookie_keys):
            raise ValueError(f"session cookies are signed with keys of at least {SHORTEST_KEY} bytes")
        self._desk = desk
        self._state = desk.queue.state
        self._clock = clock

    async def open(self, token: str) -> Session | None:
        """A new session for the owner of a token; None when it is nobody's. The id is always a new one."""
        principal = await self._desk.authenticate(token)
        if principal is None:
            return None
        id = secrets.token_urlsafe(_ID_BYTES)
        now = self._clock()
        value = {"name": principal.name, "token": _seals(id).seal(token.encode(), _ABOUT), "seen": now}
        until = now + SESSION_SECONDS
        await self._state.run(lambda: self._state.store.put(_SPACE, _key(id), value, until))
        return Session(id, principal)

    async def of(self, cookie: str | None, *, active: bool) -> Session | None:
        """The session of a cookie, if there still is one. `active`: a person did something, not a timer."""
        id = self._id(cookie)
        if id is None:
            return None
        value = await self._state.run(self._look, id, active)
        token = None if value is None else _unseal(id, str(value["token"]))
        if value is None or token is None:
            return None
        principal = await self._desk.authenticate(token)
        # Refused, not forgotten: an issuer that cannot be reached for a moment must not sign everybody out.
        if principal is None or principal.name != value["name"]:
            return None
        return Session(id, principal)

    async def close(self, id: str) -> None:
        """End a session, on every replica."""
        await self._state.run(lambda: self._state.store.delete(_SPACE, _key(id)))

    def cookie(self, session: Session) -> str:
        """What the browser keeps, signed with the newest key."""
        return f"{session.id}.{_mac(self._desk.cookie_keys[0], session.id)}"

    def _id(self, cookie: str | None) -> str | None:
        if not cookie or len(cookie) > _LONGEST_COOKIE or not cookie.isascii():
            return None
        id, _, given = cookie.partition(".")
        genuine = [hmac.compare_digest(given, _mac(key, id)) for key in self._desk.cookie_keys]
        return id if any(genuine) else None

    def _look(self, id: str, active: bool) -> dict[str, Any] | None:
        store = self._state.store
        item = store.get(_SPACE, _key(id))
        if item is None:
            return None
        now = self._clock()
        idle = now - float(item.value["seen"])
        if idle > IDLE_SECONDS:
            store.delete(_SPACE, _key(id))
            return None
        if active and idle > _TOUCH_SECONDS:
            # Not written at every click; whoever loses the race has been seen by the other one.
            store.replace(_SPACE, _key(id), item.version, item.value | {"seen": now})
        return item.value


def _mac(key: bytes, text: str) -> str:
    digest = hmac.new(key, f"texml-mcp pages {text}".encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _key(id: str) -> str:
    return hashlib.sha256(f"session {id}".encode()).hexdigest()


def _seals(id: str) -> Seals:
    return Seals((hashlib.sha256(f"token of {id}".encode()).digest(),))


def _unseal(id: str, sealed: str) -> str | None:
    """The token; None when the record is not one that was sealed under this id."""
    try:
        return _seals(id).unseal(sealed, _ABOUT)[0].decode()
    except (SealError, UnicodeDecodeError):
        return None
