"""The digest key of several replicas: in the store they share, sealed under keys that only they have."""

from __future__ import annotations

import secrets

from texml_mcp.gate.seal import SealError, Seals
from texml_mcp.gate.store.digests import KEY_BYTES, Digester
from texml_mcp.gate.store.model import Store, StoreError

_SPACE, _KEY, _ABOUT = "keys", "digest", "digest key"
_TRIES = 3


def shared_digester(store: Store, seals: Seals) -> Digester:
    """The one key of all replicas, made by whoever is first. Raises `StoreError`.

    One that stands under a former seal key is sealed again under the newest, so that the former one can
    be dropped once every replica has started with the new list.
    """
    for _ in range(_TRIES):
        item = store.get(_SPACE, _KEY)
        try:
            if item is None:
                fresh = secrets.token_bytes(KEY_BYTES)
                if store.claim(_SPACE, _KEY, None, {"sealed": seals.seal(fresh, _ABOUT)}):
                    return Digester(fresh)
                continue  # another replica was quicker: its key is the one
            key, newest = seals.unseal(str(item.value.get("sealed")), _ABOUT)
            if not newest:
                # Another replica may do the same: whoever loses has nothing left to do.
                store.replace(_SPACE, _KEY, item.version, {"sealed": seals.seal(key, _ABOUT)})
            return Digester(key)
        except (SealError, ValueError) as error:
            raise StoreError(f"the shared digest key cannot be used: {error}") from error
    raise StoreError("the shared digest key kept changing")
