"""Worlds by name: each bearer token has its own, made from the default fixture when first asked for."""

from __future__ import annotations

from texml_mcp.sandbox.fixture import default_world
from texml_mcp.sandbox.world import World


class Worlds:
    """The worlds of one sandbox."""

    def __init__(self) -> None:
        self._worlds: dict[str, World] = {}

    def of(self, name: str) -> World:
        """The world of this name; a new one is the default world."""
        world = self._worlds.get(name)
        if world is None:
            world = self._worlds[name] = default_world(name)
        return world

    def put(self, name: str, world: World) -> None:
        """Have this name be this world from now on."""
        self._worlds[name] = world
