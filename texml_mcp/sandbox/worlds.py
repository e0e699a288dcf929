"""Worlds by name: each bearer token has its own, made from a fixture when first asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from texml_mcp.sandbox.default_world import default_world
from texml_mcp.sandbox.store import Kept
from texml_mcp.sandbox.world import World

# The keys of a sandbox, which are the names of its worlds. None of them looks like a live key.
KEY = re.compile(r"sandbox(-[A-Za-z0-9_.-]{1,100})?")


class Worlds:
    """The worlds of one sandbox. `fixture` makes the world of a name that is not there yet."""

    def __init__(self, fixture: Callable[[], World] = default_world) -> None:
        self._worlds: dict[str, World] = {}
        self._snapshots: dict[str, tuple[Kept, Kept | None]] = {}
        self._fixture = fixture

    def of(self, name: str) -> World:
        """The world of this name; a new one is the fixture's."""
        world = self._worlds.get(name)
        if world is None:
            world = self._worlds[name] = self._fixture()
        return world

    def anew(self) -> World:
        """A fresh world of the fixture, under no name yet."""
        return self._fixture()

    def known(self, name: str) -> World:
        """The world of this name. Raises `KeyError` when nobody has asked for it yet."""
        return self._worlds[name]

    def all(self) -> dict[str, World]:
        """Every world there is, by name."""
        return dict(sorted(self._worlds.items()))

    def all_by_name(self) -> dict[str, World]:
        """The same unsorted and not to be changed: looked at with every request, however many there are."""
        return self._worlds

    def put(self, name: str, world: World) -> None:
        """Have this name be this world from now on."""
        self._worlds[name] = world

    def drop(self, name: str) -> None:
        """Forget a world: the next request with its token begins anew. Raises `KeyError`."""
        del self._worlds[name]

    def reset(self, name: str) -> World:
        """Take a world back to its fixture, faults and clock included. Raises `KeyError`."""
        world = self.known(name)
        world.reset()
        return world

    def keep(self, name: str) -> str:
        """Snapshot a world; the answer is what `back` takes. Equal worlds share one. Raises `KeyError`."""
        world = self.known(name)
        kept = world.keep()
        # Secret values are part of what is kept, and no part of the name.
        sid = hashlib.sha256(repr((kept[0], sorted(kept[1].items()))).encode("utf-8", "replace")).hexdigest()
        self._snapshots[sid[:16]] = kept, world.origin
        return sid[:16]

    def back(self, name: str, snapshot: str) -> World:
        """Make a world what it was, or a new one of it. Raises `KeyError` for an unknown snapshot."""
        kept, origin = self._snapshots[snapshot]
        world = World("", "")
        world.back(kept)
        world.origin = origin
        self.put(name, world)
        return world
