"""The time of a task's world: it passes with what the agent does, and things happen in it by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from anyio.lowlevel import checkpoint

from texml_mcp.evals.model import WorldSpec
from texml_mcp.sandbox.default_world import default_world
from texml_mcp.sandbox.fixture import tell_more, world_from
from texml_mcp.sandbox.fixture_file import load_fixture
from texml_mcp.sandbox.world import World

BUILT_IN = ("clinic", "empty")


def told(spec: WorldSpec, seed: str) -> World:
    """The world that a task begins with. Raises `FixtureError`, and `ValueError` for a fault that is none."""
    from texml_mcp.evals.tasks import fixture_path
    from texml_mcp.sandbox.faults import arm
    from texml_mcp.sandbox.fixture_file import check

    if spec.fixture == "clinic":
        world = default_world(seed)
    elif spec.fixture == "empty":
        world = world_from({"seed": seed})
    else:
        world = world_from({"seed": seed, **load_fixture(fixture_path(spec.fixture))})
        world.seed = seed
    check(spec.also)
    tell_more(world, spec.also)
    for each in spec.faults:
        arm(world, each)
    return world


class Clockwork:
    """A world whose time is moved by hand. `later` stories are told as their time comes."""

    def __init__(self, world: World, spec: WorldSpec) -> None:
        self.world = world
        self.spec = spec
        self.began = world.clock.now
        self._later = sorted(spec.later, key=lambda each: each.at_seconds)

    def now(self) -> float:
        """Seconds since 1970, in the world."""
        return self.world.clock.now

    def time_of_day(self) -> datetime:
        return datetime.fromtimestamp(self.world.clock.now, UTC)

    def advance(self, seconds: float) -> None:
        """Let time pass. Raises `FixtureError` when a later story cannot be told."""
        moment = self.world.clock.now + seconds
        while self._later and self.began + self._later[0].at_seconds <= moment:
            each = self._later.pop(0)
            self.world.run_until(self.began + each.at_seconds)
            tell_more(self.world, {"story": each.story})
        self.world.run_until(moment)

    async def sleep(self, seconds: float) -> None:
        """What takes the place of waiting: nobody waits, the world's time passes."""
        self.advance(seconds)
        await checkpoint()  # a wait that gives nobody else a turn would be a busy loop

    def settle(self) -> None:
        """Let the world go on until the moment at which it is graded."""
        left = self.began + self.spec.clock.settle_seconds - self.world.clock.now
        self.advance(max(0.0, left))

    def marks(self) -> dict[str, Any]:
        """Where the logs stand: what `view` takes to leave out what came before."""
        return {"events_after": self.world.noted, "callbacks_after": self.world.sent}
