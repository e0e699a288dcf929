"""What seals the state that a client carries, under a key that only this process has."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp.server.request_state import AESGCMRequestStateCodec


class OwnKey:
    """The SDK's codec under a key that is made when it is first needed: most sessions seal nothing."""

    @cached_property
    def _codec(self) -> AESGCMRequestStateCodec:
        from mcp.server.request_state import AESGCMRequestStateCodec

        return AESGCMRequestStateCodec([os.urandom(32)])

    def seal(self, payload: bytes) -> str:
        """The sealed state, safe to hand out."""
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        """The state again. Raises the SDK's `InvalidRequestState` for what was not sealed here."""
        return self._codec.unseal(token)
