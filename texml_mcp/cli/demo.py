"""`texml-mcp demo`: a small story on the sandbox, through a real server process and the official client."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.client.session import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from texml_mcp.cli.client import sandbox_server
from texml_mcp.tools.schema import token_estimate

CUSTOMER = "+13125550142"
DESK = "+13125550100"
GREETING = "<Response><Say>Your appointment is confirmed.</Say><Pause length='180'/></Response>"
SPEED = "20"


class StoryError(Exception):
    """The story did not go as it must; the text says at which step."""


class Teller:
    """Calls tools and shows each step: the tool, its arguments, the summary, tokens and milliseconds."""

    def __init__(self, client: Client, console: Console, pause: float) -> None:
        self._client = client
        self._console = console
        self._pause = pause
        self._step = 0

    async def step(self, why: str, tool: str, expected: str = "ok", **arguments: Any) -> dict[str, Any]:
        """One call; raises `StoryError` when its status is not the expected one."""
        self._step += 1
        self._console.print()
        self._console.print(Text(f"{self._step}. {why}", style="bold"))
        shown = ", ".join(f"{name}={_short(value)}" for name, value in arguments.items())
        self._tell(f"{tool}({shown})", "cyan")
        started = time.perf_counter()
        with self._console.status(f"{tool} ...") as status:

            async def show(progress: float, total: float | None, message: str | None) -> None:
                status.update(f"{tool}: {message}")

            result = await self._client.call_tool(tool, arguments, progress_callback=show)
        took = (time.perf_counter() - started) * 1000
        story: dict[str, Any] = result.structured_content or {}
        text = _text(result)
        self._tell(text.partition("\n")[0], "green" if not result.is_error else "yellow")
        self._tell(f"{token_estimate(text)} tokens, {took:.0f} ms", "dim")
        if story.get("status") != expected:
            raise StoryError(
                f"step {self._step} ({tool}) answered {story.get('status')}, not {expected}: {text}"
            )
        await anyio.sleep(self._pause)
        return story

    def _tell(self, line: str, style: str) -> None:
        self._console.print(Padding(Text(line, style=style), (0, 0, 0, 3), expand=False))


def run(*, pause: float = 0.0, console: Console | None = None) -> int:
    """Tell the story, on the terminal or another console; 0 when every step went as expected."""
    console = console or Console()
    failed = False
    try:
        anyio.run(_story, console, pause)
    except* StoryError as failures:
        console.print(Text(f"The demo failed: {_first(failures)}", style="red"))
        failed = True
    if failed:
        return 1
    console.print(Panel(Text(_next()), title="What next", expand=False))
    return 0


async def _story(console: Console, pause: float) -> None:
    answers: list[bool] = []

    async def ask(_: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        yes = answers.pop(0) if answers else True
        console.print(
            Panel(Text(params.message), title="Approval needed", border_style="magenta", expand=False)
        )
        console.print(Text(f"   The supervisor says {'yes' if yes else 'no'}.", style="magenta"))
        if yes:
            return ElicitResult(action="accept", content={"confirm": True})
        return ElicitResult(action="decline")

    console.print(
        Text(
            "texml-mcp demo: a real server process, the official MCP client, a sandbox network.", style="bold"
        )
    )
    async with sandbox_server("--sandbox-speed", SPEED, elicitation_callback=ask) as client:
        tell = Teller(client, console, pause)
        apps = await tell.step("Find the application that places calls.", "list_applications")
        placing = _placing(apps)

        await tell.step(
            "See what a call would send, without sending it.",
            "create_call",
            "dry_run",
            dry_run=True,
            **placing,
        )
        answers.append(False)
        await tell.step(
            "Place it; the supervisor refuses, and nothing is sent.", "create_call", "declined", **placing
        )
        call = await tell.step("Ask again; this time the answer is yes.", "create_call", **placing)
        sid = call["data"]["sid"]
        await tell.step("Wait until it is answered.", "get_call", call_sid=sid, wait_for="in-progress")

        recording = await tell.step("Record it.", "start_call_recording", call_sid=sid)
        recorded = recording["data"]["sid"]
        await tell.step(
            "Stop recording.", "update_call_recording", call_sid=sid, recording_sid=recorded, Status="stopped"
        )

        rooms = await tell.step("Which conference is live?", "list_conferences", Status="in-progress")
        room = rooms["items"][0]["sid"]
        people = await tell.step("Who is in it?", "list_conference_participants", conference_sid=room)
        leaving = people["items"][-1]["call_sid"]
        await tell.step(
            "Drop one participant.",
            "remove_conference_participant",
            conference_sid=room,
            call_sid_or_participant_label=leaving,
        )
        await tell.step("Hang up.", "update_call", call_sid=sid, Status="completed")
        spoken = await tell.step("Read what was said in a recording.", "list_transcriptions", PageSize=1)
        source = spoken["items"][0]["recording_sid"]
        await tell.step("Delete that recording.", "delete_recording", recording_sid=source)
        await tell.step(
            "Emergency numbers are refused, here too.", "create_call", "denied", **placing | {"To": "911"}
        )
    await _without_forms(console, pause)


def _placing(applications: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the story's call, on the first application that takes calls."""
    active = next(each for each in applications["items"] if each.get("active"))
    return {"To": CUSTOMER, "From": DESK, "ApplicationSid": active["id"], "Texml": GREETING}


async def _without_forms(console: Console, pause: float) -> None:
    """A client that cannot show forms takes the token step; a changed target voids what was approved."""
    console.print()
    console.print(
        Text("A client without forms: the token step, and a preview that goes stale.", style="bold")
    )
    async with sandbox_server("--sandbox-speed", SPEED) as client:
        tell = Teller(client, console, pause)
        apps = await tell.step("Find the application.", "list_applications")
        placing = _placing(apps)
        asked = await tell.step(
            "Place a call: a token comes back.", "create_call", "confirmation_required", **placing
        )
        call = await tell.step(
            "Repeat it with the token.", "create_call", confirm_token=asked["confirm_token"], **placing
        )
        sid = call["data"]["sid"]
        hang_up = {"call_sid": sid, "Status": "completed"}
        first = await tell.step(
            "Ask to hang up while it rings.", "update_call", "confirmation_required", **hang_up
        )
        await tell.step("Meanwhile it is answered.", "get_call", call_sid=sid, wait_for="in-progress")
        stale = await tell.step(
            "The approval was for a ringing call: it no longer counts.",
            "update_call",
            "stale_preview",
            confirm_token=first["confirm_token"],
            **hang_up,
        )
        await tell.step(
            "Approve what is there now.", "update_call", confirm_token=stale["confirm_token"], **hang_up
        )


def _first(failures: BaseExceptionGroup[StoryError]) -> str:
    """The story's own error, out of the task groups it came through."""
    inner = failures.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else str(inner)


def _text(result: CallToolResult) -> str:
    return "\n".join(getattr(part, "text", "") for part in result.content)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _next() -> str:
    """Where to go from here, each as a line to type."""
    lines = [
        ("In a host:", "texml-mcp install cursor --sandbox"),
        ("One tool by hand:", "texml-mcp call list_calls --sandbox"),
        ("Every tool:", "texml-mcp tools"),
        ("With a real key:", "TELNYX_API_KEY=... texml-mcp doctor"),
        ("Step by step:", "docs/first-hour.md"),
    ]
    if shutil.which("texml-mcp") is None and (activate := _activation()) is not None:
        lines.insert(0, ("texml-mcp by name:", f". {activate}"))
    return "\n".join(f"{what:<22}{line}" for what, line in lines)


def _activation() -> str | None:
    """The script that puts this environment on the PATH of a shell, as one would type it here."""
    script = Path(sys.prefix) / "bin" / "activate"
    if not script.exists():
        return None
    here = Path.cwd()
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))
