"""Who tries the tasks: scripted agents that prove the tasks, and ways to let in any other."""

from __future__ import annotations

from typing import Protocol

from texml_mcp.evals.stage import Stage


class Agent(Protocol):
    """Plays one stage after the other; what it learns in one must not reach the next."""

    name: str

    async def play(self, stage: Stage) -> None:
        """Work on the task until done. Raises `AgentError` for what is the agent's own failure."""
        ...


class AgentError(Exception):
    """The agent crashed, hung, or did not keep to the protocol; the text says how."""
