"""Whether a task's world can be told and go on, and its server can start."""

from __future__ import annotations

from typing import Any

from texml_mcp.catalog import TOOLSETS
from texml_mcp.evals.clockwork import BUILT_IN, Clockwork, told
from texml_mcp.evals.expressions import ExpressionError, search
from texml_mcp.evals.model import Task
from texml_mcp.evals.tasks import TaskError, fixture_path
from texml_mcp.evals.validate.texts import Found
from texml_mcp.evals.validate.vocabulary import tools, unknown
from texml_mcp.evals.view import View, view
from texml_mcp.sandbox.faults import fault
from texml_mcp.sandbox.fixture import FixtureError
from texml_mcp.sandbox.fixture_file import check, load_fixture


def wrong_world(task: Task) -> Found:
    spec = task.world
    sound = True
    if spec.fixture not in BUILT_IN:
        try:
            load_fixture(fixture_path(spec.fixture))
        except (TaskError, FixtureError) as error:
            sound = False
            yield "world/fixture", str(error).removeprefix("world.fixture: ")
    for at, each in enumerate(spec.faults):
        try:
            fault(each)
        except (ValueError, TypeError) as error:
            sound = False
            yield f"world/faults/{at}", str(error)
    for at, later in enumerate(spec.later):
        try:
            check({"story": later.story})
        except FixtureError as error:
            sound = False
            yield f"world/later/{at}", str(error)
    if not sound:
        return
    try:
        world = told(spec, task.id)
    except FixtureError as error:
        yield "world/also", str(error)
        return
    clockwork = Clockwork(world, spec)
    try:
        clockwork.advance(max([spec.clock.settle_seconds, *(each.at_seconds for each in spec.later)]))
    except FixtureError as error:
        yield "world/later", f"cannot be told where the agent does nothing: {error}"


def wrong_server(task: Task) -> Found:
    from texml_mcp.gate.policy import SHIPPED, parse
    from texml_mcp.gate.policy.errors import PolicyError

    for name in task.server.toolsets:
        if name not in TOOLSETS:
            yield "server/toolsets", f"there is no toolset {name!r}; there are {', '.join(TOOLSETS)}"
    for name in task.server.exclude_tools:
        for why in unknown("tool", tools(), name, ()):
            yield "server/exclude_tools", why
    if task.server.policy not in SHIPPED:
        try:
            parse(task.server.policy)
        except PolicyError as error:
            yield "server/policy", str(error)


def start(task: Task) -> tuple[View, dict[str, Any]]:
    """The world at the start, and what the task's names hold there: None for what cannot be worked out."""
    world = told(task.world, task.id)
    seen = view(world, events_after=world.noted, callbacks_after=world.sent)
    names: dict[str, Any] = {}
    for name, expression in task.names.items():
        try:
            names[name] = search(expression, seen)
        except ExpressionError:
            names[name] = None
    return seen, names
