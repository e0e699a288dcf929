"""A foreign server as one under test: its own process, the task's world on a port, the official client."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio

from texml_mcp.evals.clockwork import Clockwork
from texml_mcp.evals.dialects import Dialect, dialect_named
from texml_mcp.evals.failures import first_of, named
from texml_mcp.evals.foreign.config import Configuration
from texml_mcp.evals.foreign.port import on_a_port
from texml_mcp.evals.foreign.process import ForeignProcess
from texml_mcp.evals.model import ServerSpec, Task
from texml_mcp.evals.servers import (
    Answer,
    Asked,
    ClientToolbox,
    ServerFailedError,
    Toolbox,
    policy_text,
    through_client,
)
from texml_mcp.server.services import SANDBOX_KEY


class ForeignServer:
    """Whatever the configuration starts. Each run has a process of its own, and ends it."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.name = configuration.name

    @asynccontextmanager
    async def connected(self, task: Task, clockwork: Clockwork, asked: Asked) -> AsyncGenerator[Toolbox]:
        """Raises `ServerFailedError` when it does not start, or does not list its tools in time."""
        given = self.configuration
        account = clockwork.world.account_sid if task.server.account_sid == "world" else ""
        started = False
        with tempfile.TemporaryDirectory() as scratch:
            async with on_a_port(clockwork.world) as base_url:
                values = self._values(task.server, base_url, account, Path(scratch))
                process = ForeignProcess(
                    given.filled(given.command, values),
                    [given.filled(each, values) for each in given.args],
                    {name: given.filled(each, values) for name, each in given.env.items()},
                    given.start_seconds,
                )
                try:
                    form = task.server.confirm == "form"
                    async with through_client(process.transport(), asked if form else None) as inner:
                        process.started.set()
                        started = True
                        told = "\n\n".join(
                            part
                            for part in (inner.instructions, given.filled(given.instructions, values))
                            if part
                        )
                        dialect = dialect_named(given.dialect, account, clockwork)
                        yield ForeignToolbox(inner, told, dialect, process, given)
                except Exception as error:
                    if started:
                        # The groups of tasks around are none of the caller's business.
                        raise first_of(error) from None
                    process.trouble = process.trouble or f"it could not be talked to: {named(error)}"
                    raise ServerFailedError(await process.obituary()) from None

    def _values(self, spec: ServerSpec, base_url: str, account: str, scratch: Path) -> dict[str, str]:
        policy = scratch / "policy.toml"
        policy.write_text(policy_text(spec), "utf-8")
        return {
            "base_url": base_url,
            "api_key": SANDBOX_KEY,
            "account_sid": account,
            "python": sys.executable,
            "here": str(self.configuration.here),
            "scratch": str(scratch),
            "policy_file": str(policy),
            "confirm": "auto" if spec.confirm == "form" else spec.confirm,
            "toolsets": ",".join(spec.toolsets),
            "exclude_tools": ",".join(spec.exclude_tools),
            "read_only": str(spec.read_only).lower(),
        }


class ForeignToolbox:
    """The tools as the server has them."""

    def __init__(
        self,
        inner: ClientToolbox,
        instructions: str,
        dialect: Dialect | None,
        process: ForeignProcess,
        given: Configuration,
    ) -> None:
        self._inner = inner
        self._process = process
        self._seconds = given.call_seconds
        self._own = given.dialect == "texml-mcp"
        self.tools: list[dict[str, Any]] = inner.tools
        self.instructions = instructions
        self.dialect = dialect

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """One tool call. Raises `ServerFailedError` when the server has ended, or does not answer."""
        answer: Answer | None = None
        with anyio.move_on_after(self._seconds):
            answer = await self._inner.call(tool, arguments)
        if answer is None:
            self._process.fail(f"it did not answer {tool} within {self._seconds:g} s")
        if self._process.trouble:
            raise ServerFailedError(await self._process.obituary())
        assert answer is not None, "without an answer there was trouble"
        return replace(answer, own=self._own)
