"""The examples, played: each on a fresh copy of the sandbox's default world, whose time is moved by hand.

Through a real server and the official client, so that an answer is what a host would get. Confirm tokens are
the one thing that differs from run to run; they are written as `TOKEN`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texml_mcp.catalog import endpoint
from texml_mcp.cli.docs.examples import Call, Example, examples
from texml_mcp.evals.clockwork import Clockwork
from texml_mcp.evals.model import ServerSpec, WorldSpec
from texml_mcp.evals.servers import Answer, ClientToolbox, services_on, through_client
from texml_mcp.sandbox.default_world import default_world
from texml_mcp.sandbox.world import World
from texml_mcp.tools.validate_texml import NAME as VALIDATE

TOKEN = "TOKEN"
SECONDS_BETWEEN_CALLS = 3.0
ASKED = "confirmation_required"


class RehearsalError(Exception):
    """An example does not end well; the text says which and how."""


@dataclass(frozen=True, slots=True)
class Played:
    """A call, its answer, and the answer of the approved call, where it was asked about."""

    tool: str
    arguments: Mapping[str, Any]
    answer: str
    structured: Mapping[str, Any]
    approved: str | None = None


async def play_all() -> dict[str, Played]:
    """Every example by its tool. Raises `RehearsalError`."""
    return {each.call.tool: await play(each) for each in examples()}


def things(world: World) -> dict[str, str]:
    """What examples may name: a call in progress, one that was recorded, and so on."""
    calls, recordings = world.table("calls"), world.table("recordings")
    alone = [sid for sid, call in calls.items() if call["to"] == "+13125550190"]
    live = [sid for sid, each in world.table("conferences").items() if each["status"] == "in-progress"]
    recording = next(sid for sid, each in recordings.items() if each["status"] == "completed")
    transcriptions = world.table("transcriptions").items()
    return {
        "talking": alone[0],
        "conference": live[0],
        "recording": recording,
        "recorded": recordings[recording]["call"],
        "transcription": next(sid for sid, each in transcriptions if each["status"] == "completed"),
    }


async def play(example: Example) -> Played:
    """One example. Raises `RehearsalError` for one that is not answered with `ok`."""
    from texml_mcp.server.app import build_server

    played, problem = None, ""
    world = default_world("docs")
    clockwork = Clockwork(world, WorldSpec())
    names = things(world)
    with tempfile.TemporaryDirectory() as scratch:
        # Every tool of the default is offered: an answer suggests only calls that its caller can make.
        spec = ServerSpec(policy="sandbox", confirm="token", toolsets=_toolsets(example.call.tool))
        services = services_on(spec, clockwork, Path(scratch))
        async with through_client(build_server(services, sandbox=True), None) as box:
            for each in (*example.before, example.call):
                played, answer = await _made(box, clockwork, each, names)
                names["made"] = answer.structured.get("data", {}).get("sid", "")
                if answer.status != "ok" and not problem:
                    problem = f"The example of {each.tool} answers {answer.status}: {answer.text}"
    if problem:  # raised out here: inside, the client would wrap it in a group
        raise RehearsalError(problem)
    assert played is not None, "an example has at least its own call"
    return played


def _toolsets(tool: str) -> list[str]:
    """All of the default, as an answer names what else is offered, and the tool's own."""
    return ["default", *([] if tool == VALIDATE else [endpoint(tool).toolset])]


async def _made(
    box: ClientToolbox, clockwork: Clockwork, call: Call, names: Mapping[str, str]
) -> tuple[Played, Answer]:
    """One call, and a second one with the token when it is asked about; with the last answer."""
    arguments = {name: _filled(value, names) for name, value in call.arguments.items()}
    clockwork.advance(SECONDS_BETWEEN_CALLS)
    asked = answer = await box.call(call.tool, arguments)
    token = str(asked.structured.get("confirm_token", ""))
    if asked.status == ASKED:
        clockwork.advance(SECONDS_BETWEEN_CALLS)
        answer = await box.call(call.tool, {**arguments, "confirm_token": token})

    def scrubbed(text: str) -> str:
        return text.replace(token, TOKEN) if token else text

    shown = json.loads(scrubbed(json.dumps(asked.structured)))
    approved = scrubbed(answer.text) if answer is not asked else None
    return Played(call.tool, arguments, scrubbed(asked.text), shown, approved), answer


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    return names[value[1:]] if isinstance(value, str) and value.startswith("$") else value
