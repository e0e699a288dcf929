"""One run from beginning to end, whatever goes wrong in it: what went wrong is part of the episode."""

from __future__ import annotations

import anyio

from texml_mcp.evals.agents import Agent, AgentError
from texml_mcp.evals.agents.paths import PathError
from texml_mcp.evals.agents.scripted import Reference
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.expressions import ExpressionError
from texml_mcp.evals.failures import named
from texml_mcp.evals.grading import Expected, expected_of
from texml_mcp.evals.model import Task
from texml_mcp.evals.servers import OwnServer, ServerFailedError, ServerUnderTest
from texml_mcp.evals.stage import FAR_TOO_MANY, OutOfSteps, Over, staged
from texml_mcp.sandbox.fixture import FixtureError

DEFAULT_SECONDS = 600.0
_EXPECTED: dict[str, Expected] = {}  # by the whole text of a task


async def play(
    task: Task,
    agent: Agent,
    server: ServerUnderTest | None = None,
    *,
    trial: int = 1,
    seed: int = 0,
    seconds: float = DEFAULT_SECONDS,
) -> Episode:
    """The episode of one run, of at most so many seconds of real time. Raises nothing but cancellation."""
    episode = Episode(task.id, trial, seed)
    playing = False
    try:
        async with staged(task, server or OwnServer(), trial=trial, seed=seed) as stage:
            episode = stage.episode
            playing = True
            try:
                with anyio.fail_after(seconds):
                    await agent.play(stage)
            except TimeoutError:
                episode.ended, episode.why = "out_of_time", f"not done after {seconds:g} s"
            except OutOfSteps:
                episode.ended, episode.why = "out_of_steps", FAR_TOO_MANY
            except Over:
                pass
            except ServerFailedError as error:
                episode.ended, episode.why = "server_failed", str(error)
            except (AgentError, PathError) as error:
                episode.ended, episode.why = "agent_failed", str(error)
            except Exception as error:
                episode.ended, episode.why = "agent_failed", named(error)
    except (FixtureError, ExpressionError) as error:
        episode.ended, episode.why = "task_failed", str(error)
    except Exception as error:
        if not episode.why:
            episode.ended = "server_failed" if playing or not isinstance(error, ValueError) else "task_failed"
            episode.why = named(error)
    return episode


async def expected(task: Task) -> Expected:
    """What the reference leaves on our own server. Raises `PathError` when it does not get through."""
    told = task.model_dump_json()
    if told not in _EXPECTED:
        reference = await play(task, Reference())
        if reference.ended != "done":
            raise PathError(f"{task.id}: {reference.why}")
        _EXPECTED[told] = expected_of(reference)
    return _EXPECTED[told]
