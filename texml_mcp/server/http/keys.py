"""One set of seal keys, a key of its own for each use: what signs a cookie must not open an approval."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from texml_mcp.gate.seal import KEY_BYTES, SealError, parse_keys
from texml_mcp.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by use, the newest first: `states` for what clients bring back, `cookies` for browsers."""

    states: tuple[bytes, ...]
    cookies: tuple[bytes, ...]


def keys_of(settings: Settings) -> Keys:
    """The keys that replicas share, or some of this process's own. Raises `SettingsError`."""
    if settings.seal_keys is None:
        shared: Sequence[bytes] = (secrets.token_bytes(KEY_BYTES),)
    else:
        try:
            shared = parse_keys(settings.seal_keys.get_secret_value()).keys
        except SealError as error:
            raise SettingsError(f"TEXML_MCP_SEAL_KEYS cannot be used: {error}.") from None
    return Keys(_derived(shared, "request states"), _derived(shared, "cookies"))


def _derived(keys: Sequence[bytes], use: str) -> tuple[bytes, ...]:
    # The keys are random and as long as the digest: HMAC alone is an extract-and-expand of one block.
    return tuple(hmac.new(key, f"texml-mcp {use}".encode(), hashlib.sha256).digest() for key in keys)
