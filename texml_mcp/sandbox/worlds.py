"""Worlds by name: each bearer token has its own, made from a fixture when first asked for."""

from __future__ import annotations

from collections.abc import Callable

from texml_mcp.sandbox.fixture import default_world
from texml_mcp.sandbox.world import World


class Worlds:
    """The worlds of one sandbox. `fixture` makes the world of a name that is not there yet."""

    def __init__(self, fixture: Callable[[], World] = default_world) -> None:
        self._worlds: dict[str, World] = {}
        self._snapshots: dict[str, tuple[bytes, dict[str, str]]] = {}
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

    def put(self, name: str, world: World) -> None:
        """Have this name be this world from now on."""
        self._worlds[name] = world

    def drop(self, name: str) -> None:
        """Forget a world: the next request with its token begins anew. Raises `KeyError`."""
        del self._worlds[name]

    def keep(self, name: str) -> str:
        """Snapshot a world; the answer is what `back` takes. Equal worlds share one."""
        import hashlib

        world = self.known(name)
        packed = world.snapshot()
        sid = hashlib.sha256(packed).hexdigest()[:16]
        self._snapshots[sid] = packed, dict(world.vault)
        return sid

    def back(self, name: str, snapshot: str) -> World:
        """Make a world what it was, or a new one of it. Raises `KeyError` for an unknown snapshot."""
        world = World("", "")
        packed, vault = self._snapshots[snapshot]
        world.restore(packed)
        world.vault = dict(vault)
        self.put(name, world)
        return world
