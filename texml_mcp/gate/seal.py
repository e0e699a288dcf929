"""Sealing what replicas keep in a store that others may read: AES-GCM under keys that only they have.

The newest key seals, every listed key opens, so that keys are changed without a moment in which nothing
can be read: put the new one in front everywhere, and drop the old one when nothing is sealed under it.
"""

from __future__ import annotations

import base64
import binascii
import secrets

KEY_BYTES = 32
MAKE_ONE = "openssl rand -base64 32"
_NONCE_BYTES = 12
_URL_SAFE = str.maketrans("-_", "+/")


class SealError(ValueError):
    """Keys that cannot be used, or a seal that none of them opens. The text holds no part of a key."""


class Seals:
    """Seals under the first of these keys and opens under any. Raises `SealError` for keys of other sizes."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        if not keys:
            raise SealError(f"no seal key is given; make one with: {MAKE_ONE}")
        for at, key in enumerate(keys, 1):
            if len(key) != KEY_BYTES:
                raise SealError(f"seal key {at} of {len(keys)} has not {KEY_BYTES} bytes: {MAKE_ONE}")
            if len(set(key)) < KEY_BYTES // 4:
                raise SealError(f"seal key {at} of {len(keys)} is not random; make one with: {MAKE_ONE}")
        self._keys = keys

    def __repr__(self) -> str:
        return f"Seals({len(self._keys)} keys)"

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The keys, the newest first, for others that seal."""
        return self._keys

    def seal(self, secret: bytes, about: str) -> str:
        """A text that opens only under these keys and for the same purpose."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = _cipher(self._keys[0]).encrypt(nonce, secret, about.encode())
        return base64.b64encode(nonce + sealed).decode()

    def unseal(self, text: str, about: str) -> tuple[bytes, bool]:
        """What was sealed, and whether under the newest key. Raises `SealError`."""
        from cryptography.exceptions import InvalidTag

        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise SealError(f"the sealed {about} is damaged") from None
        for at, key in enumerate(self._keys):
            try:
                return _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], about.encode()), at == 0
            except (InvalidTag, ValueError):
                continue
        raise SealError(
            f"the {about} was sealed under a key that is not listed; put the former key behind the new one"
        )


def parse_keys(text: str) -> Seals:
    """Keys in base64, separated by commas, the newest first. Raises `SealError` without quoting them."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    keys: list[bytes] = []
    for at, word in enumerate(words, 1):
        try:
            keys.append(base64.b64decode(word.translate(str.maketrans("-_", "+/")), validate=True))
        except (binascii.Error, ValueError):
            raise SealError(
                f"seal key {at} of {len(words)} is not base64; make one with: {MAKE_ONE}"
            ) from None
    return Seals(tuple(keys))


def _cipher(key: bytes):
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        raise SealError("sealing needs the package cryptography: pip install 'texml-mcp[redis]'") from None
    return AESGCM(key)
