"""A server as a process of its own, and the lines that go to and fro, whatever it prints.

The transport of the SDK reads lines of any length and complains of every bad one; a server on trial may
print without end, so this one counts, and ends it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream, ByteSendStream, Process
from anyio.streams.buffered import BufferedByteReceiveStream

LONGEST_LINE = 8 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
MOST_BAD_LINES = 100
GRACE_SECONDS = 2.0
KEPT_OF_STDERR = 2_000


class ForeignProcess:
    """One server. `trouble` says, once it has failed, why; `pid` is 0 until it runs."""

    def __init__(self, command: str, args: Sequence[str], env: Mapping[str, str], start_seconds: float):
        self._words = [command, *args]
        self._env = dict(env)
        self._start_seconds = start_seconds
        self._process: Process | None = None
        self._stderr = b""
        self._bad: list[str] = []
        self._heard_out = anyio.Event()
        self.started = anyio.Event()
        self.trouble = ""

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @asynccontextmanager
    async def transport(self) -> AsyncGenerator[Any]:
        """What the client of the SDK takes. Afterwards the process is gone, and all that it has started."""
        from mcp.client.stdio import get_default_environment

        try:
            process = await anyio.open_process(
                self._words, env=get_default_environment() | self._env, start_new_session=True
            )
        except (OSError, ValueError) as error:
            self.trouble = f"{self._words[0]} cannot be started: {getattr(error, 'strerror', error)}"
            raise
        self._process = process
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        assert process.stderr is not None, "it is a pipe"
        heard, read = anyio.create_memory_object_stream[Any](0)
        write, said = anyio.create_memory_object_stream[Any](0)
        try:
            with heard, read, write, said:
                async with anyio.create_task_group() as around:
                    around.start_soon(self._hear, process.stdout, heard)
                    around.start_soon(self._tell, process.stdin, said)
                    around.start_soon(self._listen, process.stderr)
                    around.start_soon(self._hurry)
                    try:
                        yield read, write
                    finally:
                        around.cancel_scope.cancel()
        finally:
            self._end()
            with anyio.CancelScope(shield=True), anyio.move_on_after(GRACE_SECONDS):
                await process.wait()
                await process.aclose()

    async def obituary(self) -> str:
        """Why it has failed: what it did, its exit code, and its last words."""
        assert self.trouble, "nobody writes one for the living"
        code = None
        if self._process is not None:
            with anyio.move_on_after(GRACE_SECONDS):
                code = await self._process.wait()
        told = f"; it printed, instead of MCP: {self._bad[0]!r}" if self._bad else ""
        ended = f", exit code {code}" if code is not None and code >= 0 else ""
        said = " ".join(self._stderr.decode("utf-8", "replace").split())
        return f"{self.trouble}{ended}{told}" + (f"; it said: {said[-500:]}" if said else "")

    def fail(self, why: str) -> None:
        """It is of no use any more: remember the first reason, and end it."""
        self.trouble = self.trouble or why
        self._end()

    # --- the lines

    async def _hear(self, stdout: ByteReceiveStream, heard: Any) -> None:
        """Each line that is a message is passed on. The client sees the end when this ends."""
        import mcp_types
        from mcp.shared.message import SessionMessage

        lines = BufferedByteReceiveStream(stdout)
        count = 0
        async with heard:
            while True:
                try:
                    line = await lines.receive_until(b"\n", LONGEST_LINE)
                except anyio.DelimiterNotFound:
                    return self.fail(f"it printed a line of more than {LONGEST_LINE:,} bytes")
                except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError):
                    with anyio.move_on_after(GRACE_SECONDS):
                        await self._heard_out.wait()  # its last words say why
                    return self.fail("it ended before the task was done")
                count += len(line) + 1
                if count > MOST_BYTES:
                    return self.fail(f"it printed more than {MOST_BYTES:,} bytes in one task")
                try:
                    message = mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False)
                except ValueError:
                    if line.strip():
                        self._bad.append(line[:80].decode("utf-8", "replace"))
                    if len(self._bad) > MOST_BAD_LINES:
                        return self.fail(f"it printed more than {MOST_BAD_LINES} lines that are not MCP")
                    continue
                with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await heard.send(SessionMessage(message))

    async def _tell(self, stdin: ByteSendStream, said: Any) -> None:
        async with said:
            async for message in said:
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                try:
                    await stdin.send(line.encode("utf-8", "replace") + b"\n")
                except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                    return  # it has ended, or has closed its input; `_hear`, or the time limit, says so

    async def _listen(self, stderr: ByteReceiveStream) -> None:
        """Read to the end, or a talkative server would wait for us; only the last of it is kept."""
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for chunk in stderr:
                self._stderr = (self._stderr + chunk)[-KEPT_OF_STDERR:]
        self._heard_out.set()

    async def _hurry(self) -> None:
        with anyio.move_on_after(self._start_seconds):
            await self.started.wait()
            return
        self.fail(f"it did not list its tools within {self._start_seconds:g} s")

    def _end(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                # Its group has its number, also where the first process of it has ended.
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
