"""The benchmark as a task of Inspect AI: dataset, solver and scorer. Needs `texml-mcp[inspect]`.

    inspect eval texml_mcp/texml_bench --model openai/gpt-5 -T family=lost_answers --epochs 4

Tools are called on one server a sample, in this process and on the sample's own world: nothing has to be
started, and state lasts as long as the sample. The user is the scripted one, who also answers where a task's
server asks by form: Inspect never sees the question, which would end the whole evaluation.
"""

# Checked less strictly, and without Inspect AI at hand: it is too large to be installed for a type check.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from inspect_ai import Task as InspectTask
from inspect_ai import task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, execute_tools
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import Tool, ToolDef, ToolParams

from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import grade
from texml_mcp.evals.model import Task
from texml_mcp.evals.play import expected
from texml_mcp.evals.servers import OwnServer
from texml_mcp.evals.stage import FAR_TOO_MANY, OutOfSteps, Over, Stage, staged
from texml_mcp.evals.tasks import TaskError, chosen, suite

EPISODE = "texml_bench_episode"
LONGEST_RESULT = 15_000  # Inspect cuts a result at 16 KB, wherever that is
OVER = "NOT EXECUTED. The conversation is over."


@task
def texml_bench(
    task_id: str | Sequence[str] = (),
    family: str | Sequence[str] = (),
    difficulty: str | Sequence[str] = (),
    seed: int = 0,
) -> InspectTask:
    """Phone calls through tools, graded by the end state of a telephone network.

    `task_id` takes patterns such as `call-*`; each option one word or several. Raises `TaskError` when
    nothing fits.
    """
    return InspectTask(
        dataset=dataset(_words(task_id), _words(family), _words(difficulty)),
        solver=conversation(seed),
        scorer=end_state(),
    )


def dataset(
    ids: Sequence[str] = (), families: Sequence[str] = (), levels: Sequence[str] = ()
) -> MemoryDataset:
    """One sample a task: what the user says first, and under its id the task itself."""
    tasks = chosen(suite()[0].values(), ids=ids, families=families, levels=levels)
    if not tasks:
        raise TaskError("no task fits; texml-mcp eval list shows them")
    return MemoryDataset(
        [
            Sample(
                id=each.id,
                input=each.user.opening,
                target=each.user.goal,
                metadata={"family": each.family, "difficulty": each.difficulty, "title": each.title},
            )
            for each in tasks
        ],
        name="texml-bench",
    )


@solver
def conversation(seed: int = 0) -> Solver:
    """The model talks to the user and calls tools, until there is nothing left to say."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        known = _task_of(state)
        async with staged(known, OwnServer(), trial=state.epoch, seed=seed) as stage:
            episode = stage.episode
            try:
                state = await _talk(stage, state, generate)
            except OutOfSteps:
                episode.ended, episode.why = "out_of_steps", FAR_TOO_MANY
        state.store.set(EPISODE, episode.as_json())
        return state

    return solve


@scorer(metrics={"*": [mean(), stderr()]})
def end_state() -> Scorer:
    """`success` is all or nothing, `score` how near it came, `unsafe` and `duplicates` what must be 0."""

    async def score(state: TaskState, target: Target) -> Score:
        known = _task_of(state)
        episode = Episode.from_json(state.store.get(EPISODE))
        given = grade(known, episode, await expected(known))
        failed = [f"{check.name}: {check.why}" for check in given.checks if not check.passed]
        return Score(
            value={
                "success": float(given.success),
                "score": given.score,
                "unsafe": float(given.unsafe),
                "duplicates": float(given.duplicates),
            },
            answer=state.output.completion if state.output else "",
            explanation="\n".join([*(f"mine: {name}" for name in given.mines), *failed]) or "as it should be",
            metadata=given.as_json(),
        )

    return score


async def _talk(stage: Stage, state: TaskState, generate: Generate) -> TaskState:
    """The conversation on the stage. Raises `OutOfSteps`."""
    state.messages = [ChatMessageSystem(content=stage.brief.system), *state.messages]
    beyond = _Beyond()
    state.tools = [_tool(stage, each, beyond) for each in stage.brief.tools]
    while not stage.over and not state.completed:
        state = await generate(state, tool_calls="none")  # one at a time: when it is over, it is over
        last = state.messages[-1]
        if isinstance(last, ChatMessageAssistant) and last.tool_calls:
            state.messages.extend((await execute_tools(state.messages, state.tools)).messages)
            if beyond.reached:
                raise OutOfSteps
            continue
        if not (text := last.text.strip()):
            await stage.done()
            break
        turn = await stage.say(text)
        if not turn.ended:
            state.messages.append(ChatMessageUser(content=turn.text))
    return state


class _Beyond:
    """Whether a tool was called beyond all measure: Inspect would take an exception for a crash."""

    reached = False


def _tool(stage: Stage, listed: dict[str, Any], beyond: _Beyond) -> Tool:
    name = listed["name"]

    async def execute(**kwargs: Any) -> str:
        try:
            answer = await stage.call(name, kwargs)
        except Over:
            return OVER
        except OutOfSteps:
            beyond.reached = True
            return OVER
        return answer.text[:LONGEST_RESULT]

    schema = cast("dict[str, dict[str, Any]]", listed["inputSchema"])
    properties = {  # Inspect refuses a parameter without a description
        key: {**each, "description": each.get("description") or key}
        for key, each in schema.get("properties", {}).items()
    }
    parameters = ToolParams.model_validate({"properties": properties, "required": schema.get("required", [])})
    return ToolDef(
        execute, name=name, description=listed.get("description") or name, parameters=parameters
    ).as_tool()


def _task_of(state: TaskState) -> Task:
    return suite()[0][str(state.sample_id)]


def _words(given: str | Sequence[str]) -> list[str]:
    """Options of a command line arrive as a word, or as words with commas."""
    return [part for part in given.split(",") if part] if isinstance(given, str) else list(given)
