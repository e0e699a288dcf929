"""Any program as an agent: JSON lines over its standard input and output, one process a run.

    we write                                                        it writes
    {"type": "start", "protocol": "texml-bench-agent/1", "task",
     "trial", "seed", "system", "tools", "message"}                 {"type": "call", "tool", "arguments"}
    {"type": "result", "tool", "text", "structured", "is_error"}    {"type": "say", "text"}
    {"type": "user", "text"}                                        {"type": "usage", "input_tokens": n, ...}
    {"type": "error", "message"}                                    {"type": "done", "text"}
    {"type": "end", "reason"}

`tools` are as `tools/list` answers them, `message` is what the user says first. `say` is answered by `user`,
or by `end` when there is nothing left to say; `usage` by nothing. A line that is none of these gets an
`error`; too many of them in a row end the run. What it writes on standard error is told when it fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import anyio
from anyio.abc import ByteReceiveStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

from texml_mcp.evals.agents import AgentError
from texml_mcp.evals.failures import first_of
from texml_mcp.evals.stage import Stage

PROTOCOL = "texml-bench-agent/1"
LONGEST_LINE = 1_000_000
MOST_BAD_LINES = 3
MOST_USAGE_LINES = 10_000
GRACE_SECONDS = 2.0
KEPT_OF_STDERR = 2_000


class Command:
    """Starts the command for each run, and ends it, and what it has started, afterwards."""

    def __init__(self, command: str) -> None:
        self.words = shlex.split(command)
        if not self.words:
            raise ValueError("the command of an agent is empty")
        self.name = f"command:{command}"

    async def play(self, stage: Stage) -> None:
        async with _process(self.words) as talk:
            brief = stage.brief
            await talk.tell(
                type="start",
                protocol=PROTOCOL,
                task=brief.task,
                trial=brief.trial,
                seed=brief.seed,
                system=brief.system,
                tools=brief.tools,
                message=brief.opening,
            )
            while not stage.over:
                await _one(stage, talk, await talk.hear())
            await talk.part()


class _Talk:
    """The two ends of the conversation with the program."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        self._process = process
        self._in = process.stdin
        self._out = BufferedByteReceiveStream(process.stdout)
        self.stderr = b""
        self.usage = 0
        self._bad = 0

    async def tell(self, **message: Any) -> None:
        try:
            await self._in.send(json.dumps(message).encode() + b"\n")
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            raise AgentError(await self._gone("closed its standard input")) from None

    async def hear(self) -> dict[str, Any]:
        """The next line that is a message. Raises `AgentError` when there will be none."""
        while True:
            try:
                line = await self._out.receive_until(b"\n", LONGEST_LINE)
            except anyio.DelimiterNotFound:
                raise AgentError(f"the agent wrote a line of more than {LONGEST_LINE:,} bytes") from None
            except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                raise AgentError(await self._gone("ended before it was done")) from None
            try:
                message: Any = json.loads(line)
            except (ValueError, RecursionError):
                message = None
            if isinstance(message, dict) and isinstance(cast("dict[str, Any]", message).get("type"), str):
                return cast("dict[str, Any]", message)
            shown = line[:80].decode("utf-8", "replace")
            await self.complain(f"not a JSON object with a type: {shown!r}")

    async def complain(self, why: str) -> None:
        """Say what was wrong with the last line. Raises `AgentError` when there were too many of them."""
        self._bad += 1
        if self._bad >= MOST_BAD_LINES:
            raise AgentError(f"the agent wrote {self._bad} bad lines in a row; the last one: {why}")
        await self.tell(type="error", message=why)

    def understood(self) -> None:
        self._bad = 0

    async def part(self) -> None:
        """Say that it is over, and leave it a moment to end by itself."""
        with contextlib.suppress(AgentError):
            await self.tell(type="end", reason="the conversation is over")
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await self._in.aclose()
        with anyio.move_on_after(GRACE_SECONDS):
            await self._process.wait()

    async def _gone(self, how: str) -> str:
        with anyio.move_on_after(GRACE_SECONDS):
            await self._process.wait()
        code = self._process.returncode
        ended = "" if code is None else f", exit code {code}"
        said = " ".join(self.stderr.decode("utf-8", "replace").split())
        return f"the agent {how}{ended}" + (f"; it said: {said[-500:]}" if said else "")


async def _one(stage: Stage, talk: _Talk, message: dict[str, Any]) -> None:
    """Do what one line asks for."""
    match message:
        case {"type": "call", "tool": str() as tool, **rest}:
            arguments = rest.get("arguments", {})
            if not isinstance(arguments, dict):
                await talk.complain("arguments must be an object")
                return
            talk.understood()
            answer = await stage.call(tool, cast("dict[str, Any]", arguments))
            await talk.tell(
                type="result",
                tool=tool,
                text=answer.text,
                structured=answer.structured,
                is_error=answer.is_error,
            )
        case {"type": "say", "text": str() as text}:
            talk.understood()
            turn = await stage.say(text)
            if not turn.ended:
                await talk.tell(type="user", text=turn.text)
        case {"type": "done", **rest}:
            await stage.done(str(rest.get("text") or ""))
        case {"type": "usage", **rest}:
            talk.usage += 1
            if talk.usage > MOST_USAGE_LINES:
                raise AgentError(f"the agent wrote more than {MOST_USAGE_LINES:,} lines about its usage")
            stage.used({name: count for name, count in rest.items() if type(count) is int and count >= 0})
        case _:
            await talk.complain(
                "call needs tool and arguments, say needs text, done and usage need nothing; this is "
                f"{str(message.get('type'))[:40]!r}"
            )


@asynccontextmanager
async def _process(words: list[str]) -> AsyncGenerator[_Talk]:
    """The program, running. Afterwards it is gone, and so is all that it has started."""
    try:
        process = await anyio.open_process(words, start_new_session=True)
    except OSError as error:
        raise AgentError(f"{words[0]} cannot be started: {error.strerror}") from None
    talk = _Talk(process)

    async def listen(stream: ByteReceiveStream) -> None:
        # Read to the end, or a talkative agent would wait for us; only the last of it is kept.
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in stream:
                talk.stderr = (talk.stderr + chunk)[-KEPT_OF_STDERR:]

    try:
        async with anyio.create_task_group() as around:
            assert process.stderr is not None, "it is a pipe"
            around.start_soon(listen, process.stderr)
            try:
                yield talk
            finally:
                _end(process)
                around.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        # One thing went wrong; the task group is none of the caller's business.
        raise first_of(group) from None
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(GRACE_SECONDS):
            await process.wait()
            await process.aclose()


def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
