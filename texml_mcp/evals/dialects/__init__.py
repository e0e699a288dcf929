"""How foreign servers say what our own tools say, so that agents that know the task can be played on them.

An agent with a model sees the foreign tools as they are. The scripted ones speak of our tools, and so do the
mines of a task and the approvals of its user: a dialect translates both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from texml_mcp.evals.clockwork import Clockwork
    from texml_mcp.evals.servers import Answer
    from texml_mcp.evals.stage import Stage


class Dialect(Protocol):
    """One way to speak, for one run."""

    def meaning(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """A call of the foreign server as our own tool and its arguments; as it is where there is none."""
        ...

    async def act(self, stage: Stage, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """What our own tool does, by as many calls of `stage` as it takes; the answer as ours is shaped.

        Raises as `Stage.call` does.
        """
        ...


def dialect_named(
    name: Literal["openapi", "texml-mcp"] | None, account_sid: str, clockwork: Clockwork
) -> Dialect | None:
    """The dialect of a configuration. `account_sid` is the task's account, or empty."""
    if name == "texml-mcp":
        return None
    if name is None:
        return Unknown()
    from texml_mcp.evals.dialects.openapi import OpenApi

    return OpenApi(account_sid, clockwork)


class Unknown:
    """Nobody has said how the server is spoken to."""

    def meaning(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return tool, dict(arguments)

    async def act(self, stage: Stage, tool: str, arguments: Mapping[str, Any]) -> Answer:
        from texml_mcp.evals.agents import AgentError

        raise AgentError(
            f"{tool} is a tool of texml-mcp, and the server's configuration names no dialect to say it in"
        )
