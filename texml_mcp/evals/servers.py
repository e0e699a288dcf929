"""The servers under test, as one thing that lists tools and calls them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from texml_mcp.evals.clockwork import Clockwork
from texml_mcp.evals.model import ServerSpec, Task

if TYPE_CHECKING:
    from texml_mcp.evals.dialects import Dialect

Asked = Callable[[str], Awaitable[bool]]
"""Puts a question of the server to the user, and answers whether they say yes."""


MOST_PAGES_OF_TOOLS = 100


class ServerFailedError(Exception):
    """The server does not start, has ended, or does not answer; the text says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool call came to, as the agent gets it. `own`: `structured` is in the words of our server."""

    text: str
    structured: dict[str, Any]
    is_error: bool = False
    own: bool = True

    @property
    def status(self) -> str:
        """The word of our own server for what happened; of another one, `ok` or `error`."""
        said = self.structured.get("status") if self.own else None
        return str(said or ("error" if self.is_error else "ok"))


class Toolbox(Protocol):
    """A server that is connected."""

    tools: list[dict[str, Any]]
    """As `tools/list` answers them."""
    instructions: str
    dialect: Dialect | None
    """How it says what our own tools say; None for those themselves."""

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """One tool call. A protocol error is an answer too: the agent must be able to go on.

        Raises `ServerFailedError` when there is nothing to go on with.
        """
        ...


class ServerUnderTest(Protocol):
    """Something that can be started for one task and one world."""

    name: str

    def connected(
        self, task: Task, clockwork: Clockwork, asked: Asked
    ) -> AbstractAsyncContextManager[Toolbox]:
        """Start it on the world, and stop it afterwards."""
        ...


class ClientToolbox:
    """The tools behind an official MCP client."""

    dialect: Dialect | None = None

    def __init__(self, client: Any, tools: list[dict[str, Any]], instructions: str) -> None:
        self._client = client
        self.tools = tools
        self.instructions = instructions

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        from mcp.shared.exceptions import MCPError

        try:
            result: Any = await self._client.call_tool(tool, arguments)
        except MCPError as error:
            return Answer(error.error.message, {}, is_error=True)
        except (RuntimeError, ValueError) as error:
            # The client holds an answer against the tool's own output schema, and keeps it back.
            return Answer(f"The answer cannot be used: {error}"[:2000], {}, is_error=True)
        text = "\n".join(each.text for each in result.content if getattr(each, "type", "") == "text")
        structured = cast("dict[str, Any]", result.structured_content or {})
        return Answer(text, structured, bool(result.is_error))


@asynccontextmanager
async def through_client(server: Any, asked: Asked | None) -> AsyncGenerator[ClientToolbox]:
    """A toolbox of an MCP server: one in this process, or one to be started by its parameters.

    With `asked` the client declares that it can show forms, and answers them with the user's word.
    """
    from mcp import Client
    from mcp_types import ElicitResult

    options: dict[str, Any] = {}
    if asked is not None:

        async def show(_: Any, params: Any) -> ElicitResult:
            if await asked(params.message):
                return ElicitResult(action="accept", content={"confirm": True})
            return ElicitResult(action="decline")

        options["elicitation_callback"] = show
    async with Client(server, **options) as client:
        tools: list[dict[str, Any]] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES_OF_TOOLS):
            listed = await client.list_tools(cursor=cursor)
            tools += [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed.tools]
            cursor = listed.next_cursor
            if cursor is None:
                break
        yield ClientToolbox(client, tools, client.instructions or "")


class OwnServer:
    """texml-mcp in this process, on the world's own time."""

    name = "texml-mcp"

    @asynccontextmanager
    async def connected(self, task: Task, clockwork: Clockwork, asked: Asked) -> AsyncGenerator[Toolbox]:
        from texml_mcp.server.app import build_server

        with tempfile.TemporaryDirectory() as scratch:
            services = services_on(task.server, clockwork, Path(scratch))
            server = build_server(services, sandbox=True)
            form = task.server.confirm == "form"
            async with through_client(server, asked if form else None) as toolbox:
                yield toolbox


def services_on(spec: ServerSpec, clockwork: Clockwork, scratch: Path) -> Any:
    """The pipeline on this world. Raises `SettingsError` for a task's server that must not start."""
    import httpx

    from texml_mcp.client import Upstream
    from texml_mcp.sandbox import Worlds, create_app
    from texml_mcp.server.services import SANDBOX_KEY, SANDBOX_URL, build_services
    from texml_mcp.settings import Given

    policy = scratch / "policy.toml"
    policy.write_text(policy_text(spec), "utf-8")
    given: dict[str, Any] = {
        "sandbox": True,
        "policy": str(policy),
        "confirm": "auto" if spec.confirm == "form" else spec.confirm,
        "toolsets": tuple(spec.toolsets),
        "exclude_tools": tuple(spec.exclude_tools),
        "read_only": spec.read_only,
        "account_sid": clockwork.world.account_sid if spec.account_sid == "world" else None,
    }
    settings = Given(**given)
    app: Any = create_app(Worlds(lambda: clockwork.world))
    upstream = Upstream(
        SANDBOX_KEY,
        base_url=SANDBOX_URL,
        timeout=settings.timeout_seconds,
        transport=httpx.ASGITransport(app=app),
        sleep=clockwork.sleep,
        now=clockwork.now,
        random=lambda: 0.5,
    )
    return build_services(settings, upstream=upstream, now=clockwork.time_of_day)


def policy_text(spec: ServerSpec) -> str:
    """The text of the task's policy. A shipped one asks as the task says, whatever it says itself."""
    from texml_mcp.gate.policy import SHIPPED, shipped_text

    if spec.policy not in SHIPPED:
        return spec.policy
    mode = "auto" if spec.confirm == "form" else spec.confirm
    return re.sub(r"^mode = .*$", f'mode = "{mode}"', shipped_text(spec.policy), flags=re.MULTILINE)
