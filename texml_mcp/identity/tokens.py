"""Static bearer tokens: what one looks like, and a tokens file that is followed while the server runs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import os
import re
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from texml_mcp.identity.entries import Entry, TokensError, parse
from texml_mcp.identity.files import MissingError, Signature, look, read, signature_of
from texml_mcp.identity.identity import Identity, RefusedError
from texml_mcp.identity.names import TOKEN_PREFIX, key_of

log = logging.getLogger(__name__)

# The id is in the open part, so that a token found in a log can be revoked by whoever found it.
_TOKEN = re.compile(rf"({TOKEN_PREFIX}[a-z2-7]{{8}})_[A-Za-z0-9_-]{{43}}")
_SECRET_BYTES = 32
_NOBODY = "sha256:" + "0" * 64

# Two writes within one tick of the file system's clock can leave time and size the same.
_RACY_SECONDS = 2.0


def mint() -> tuple[str, str]:
    """A new token: its id, and the token itself, which is nowhere kept."""
    id = TOKEN_PREFIX + base64.b32encode(secrets.token_bytes(5)).decode("ascii").lower()
    return id, f"{id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def hash_of(token: str) -> str:
    """What is kept of a token.

    One round of SHA-256, without salt. A slow hash or a salt makes guessing dear where people choose the
    secret. Nobody guesses 256 random bits, and the hash is made at every request.
    """
    return "sha256:" + hashlib.sha256(token.encode("ascii")).hexdigest()


class TokenFile:
    """The tokens of a file, as it is at each request. Raises `TokensError` when it cannot be used at first.

    Later, an edit that breaks it leaves the last good one in force, and is logged: a slip of the hand must
    not lock everybody out. A file that is gone lets nobody in until it is back. Time limits always count.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._entries: dict[str, Entry] = {}
        self._names: frozenset[str] = frozenset()
        self._text: str | None = None
        self._problem: str | None = None
        self._signature: Signature | None = None
        self._settled = False
        self._read()

    def find(self, token: str) -> Identity:
        """Whom the token proves. Raises `RefusedError`."""
        self.refresh()
        form = _TOKEN.fullmatch(token)
        if form is None:
            raise RefusedError("not a whole token")
        entry = self._entries.get(form[1])
        # The id is no secret. The rest is compared in a time that tells nothing about the hash.
        same = hmac.compare_digest(hash_of(token), entry.hash if entry else _NOBODY)
        if entry is None or not same:
            raise RefusedError(f"token {form[1]} is unknown or revoked")
        if entry.expired(datetime.now(UTC)):
            raise RefusedError(f"token {entry.id} of {entry.principal.name} has expired")
        return Identity(
            entry.principal,
            token_id=entry.id,
            expires_at=int(entry.expires.timestamp()) if entry.expires else None,
            issuer=None,
            subject=entry.principal.name,
            client_id=None,
        )

    def names(self, name: str) -> bool:
        """Whether the file has a principal of this name, in whatever spelling, expired or not."""
        self.refresh()
        return key_of(name) in self._names

    def refresh(self) -> str | None:
        """Looks at the file, reads it again when it changed; what is wrong with it, or None. Never raises.

        An unchanged file costs one `stat`.
        """
        try:
            if not self._unchanged():
                self._read()
        except MissingError:
            self._use((), None)
            self._broken(f"{self.path} is gone: its tokens let nobody in until it is back")
        except TokensError as error:
            self._broken(f"{error} (the tokens read before go on counting)")
        except Exception as error:
            self._broken(f"{self.path}: {type(error).__name__} (the tokens read before go on counting)")
        return self._problem

    def _unchanged(self) -> bool:
        known, self._signature = self._signature, None  # a look that fails must not be taken for the last one
        if signature_of(look(self.path)) != known or not self._settled:
            return False
        self._signature = known
        return True

    def _read(self) -> None:
        text, seen = read(self.path)
        # Before it is understood: a broken file costs one `stat` a request too.
        self._signature = signature_of(seen)
        self._settled = time.time() - max(seen.st_mtime, seen.st_ctime) > _RACY_SECONDS
        if text != self._text or self._problem is not None:
            try:
                self._use(parse(text), text)
            except TokensError as error:
                raise TokensError(f"{self.path}: {error}") from None
            log.info("tokens %s: %d tokens", self.path, len(self._entries))
        self._problem = None

    def _use(self, entries: tuple[Entry, ...], text: str | None) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._names = frozenset(key_of(entry.principal.name) for entry in entries)
        self._text = text

    def _broken(self, problem: str) -> None:
        if problem != self._problem:
            log.error("tokens: %s", problem)
        self._problem = problem
