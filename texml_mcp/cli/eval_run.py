"""`texml-mcp eval run` and `eval validate`: play, show how far it is, and stop in order when told to."""

from __future__ import annotations

import hashlib
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from texml_mcp.cli.eval_choice import Choice, UsageError, chosen_tasks, on_terminal, progress_bar
from texml_mcp.cli.eval_show import show_summaries
from texml_mcp.cli.output import print_json

if TYPE_CHECKING:
    from texml_mcp.evals.recorder import Recorder
    from texml_mcp.evals.run import Plan
    from texml_mcp.evals.servers import ServerUnderTest
    from texml_mcp.evals.trace import Run

NOT_PLAYED = ("task_failed", "server_failed")
MOST_SHOWN = 10
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for."""

    agent: str
    server: str
    trials: int
    jobs: int
    seed: int
    seconds: float
    out: Path | None
    resume: bool
    url: str | None
    key_variable: str
    temperature: float | None


def run(choice: Choice, asked: Asked, *, as_json: bool) -> int:
    """The exit code: 0 when all could be played, 1 when not. Raises `ValueError` for what is not possible."""
    from texml_mcp.evals.recorder import Recorder

    if asked.resume and asked.out is None:
        raise UsageError("--resume goes on with the trace that --out names: give both")
    tasks, wrong = chosen_tasks(choice)
    plan = _plan(tasks, asked)
    recorder = Recorder(asked.out, resume=asked.resume) if asked.out is not None else None
    try:
        runs, stopped = _played(plan, recorder)
    finally:
        if recorder is not None:
            recorder.close()
    if stopped:
        return _stopped(stopped, len(runs), len(tasks) * asked.trials, asked.out)
    _show(plan, runs, wrong, asked.out, as_json=as_json)
    if recorder is not None and recorder.held is not None:
        typer.echo(f"{len(recorder.held.runs)} of {len(runs)} runs were there already.", err=True)
    return 1 if wrong or any(run.score.ended in NOT_PLAYED for run in runs) else 0


def validate(paths: Sequence[Path], *, as_json: bool) -> int:
    """Prove the tasks; the exit code, 1 when something is wrong with them."""
    from texml_mcp.evals.validate import validate as validated

    with _bar() as tell:
        problems = validated(paths, progress=tell)
    if as_json:
        print_json({"problems": [asdict(each) for each in problems]})
    else:
        for each in problems:
            typer.echo(str(each))
        if not problems:
            typer.echo("Nothing is wrong with these tasks.")
    return 1 if problems else 0


def server_named(spec: str) -> tuple[ServerUnderTest, dict[str, Any]]:
    """The server, and what a trace must keep of how it is set up. Raises `ValueError`."""
    from texml_mcp.evals.servers import OwnServer

    if spec == OwnServer.name:
        return OwnServer(), {}
    from texml_mcp.evals.foreign import ForeignServer, load

    configuration = load(spec)
    # Its digest alone: what it holds may be secret, and where the file lies does not matter.
    text = configuration.model_dump_json(exclude={"here"})
    return ForeignServer(configuration), {"server_digest": hashlib.sha256(text.encode()).hexdigest()[:16]}


def _plan(tasks: Sequence[Any], asked: Asked) -> Plan:
    from texml_mcp.evals.agents.named import DEFAULT_URL, Endpoint, agent_named
    from texml_mcp.evals.run import Plan

    url = asked.url or DEFAULT_URL
    agent = agent_named(asked.agent, Endpoint(url, asked.key_variable, asked.temperature))
    server, options = server_named(asked.server)
    if asked.agent.startswith("openai:"):
        options |= {"url": url, "temperature": asked.temperature}
    return Plan(
        tasks,
        agent,
        server,
        trials=asked.trials,
        seed=asked.seed,
        jobs=asked.jobs,
        seconds=asked.seconds,
        options=options,
    )


def _played(plan: Plan, recorder: Recorder | None) -> tuple[list[Run], int]:
    """The runs, and the signal that stopped them before they were all there, otherwise 0."""
    import anyio

    held = len(recorder.held.runs) if recorder and recorder.held else 0
    of = len(plan.tasks) * plan.trials
    finished: list[Run] = []
    with _bar() as tell:

        def told(run: Run) -> None:
            finished.append(run)
            tell(run.episode.task, held + len(finished), of)

        try:
            runs, stopped = anyio.run(_until_stopped, plan, recorder, told)
        except KeyboardInterrupt:
            runs, stopped = None, signal.SIGINT
    if runs is None:
        known = list(recorder.held.runs.values()) if recorder and recorder.held else []
        return [*known, *finished], stopped
    return runs, 0


async def _until_stopped(
    plan: Plan, recorder: Recorder | None, told: Callable[[Run], None]
) -> tuple[list[Run] | None, int]:
    """Play until all is played, or until a signal: then what is being played is given up, and cleaned up."""
    import anyio

    from texml_mcp.evals.run import run as played

    if sys.platform == "win32":
        return await played(plan, recorder=recorder, told=told), 0  # Ctrl-C is a KeyboardInterrupt there
    runs: list[Run] | None = None
    failed: ValueError | None = None
    stopped = 0
    async with anyio.create_task_group() as around:

        async def listen() -> None:
            nonlocal stopped
            # Only for the first: whoever asks twice does not want to wait for the cleaning up.
            with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for each in signals:
                    stopped = int(each)
                    break
            around.cancel_scope.cancel()

        around.start_soon(listen)
        try:
            runs = await played(plan, recorder=recorder, told=told)
        except ValueError as error:
            failed = error
        around.cancel_scope.cancel()
    if failed is not None:
        raise failed
    return runs, stopped


def _stopped(by: int, there: int, of: int, out: Path | None) -> int:
    """Say what is left of a run that was stopped; the exit code that shells know."""
    kept = (
        f"{there} of {of} runs are in {out}. Give the same command with --resume to go on."
        if out is not None
        else f"{there} of {of} runs had finished, and none is kept: --out TRACE keeps them."
    )
    typer.echo(f"Stopped. {kept}", err=True)
    return 128 + by


def _show(plan: Plan, runs: list[Run], wrong: list[str], out: Path | None, *, as_json: bool) -> None:
    from texml_mcp.evals.grading import GRADER
    from texml_mcp.evals.metrics import summaries

    header = plan.header()
    found = summaries(header, runs)
    not_played = {run.episode.task: run.score.why for run in runs if run.score.ended in NOT_PLAYED}
    if as_json:
        print_json(
            {
                "agent": header.agent,
                "server": header.server,
                "grader": GRADER,
                "texml_mcp": header.texml_mcp,
                "trials": plan.trials,
                "seed": plan.seed,
                "out": str(out) if out is not None else None,
                "runs": [run.score.as_json() for run in runs],
                "unreadable": wrong,
                "not_played": not_played,
                "summaries": found.as_json(),
            }
        )
    else:
        typer.echo(f"{header.agent} on {header.server}, grader {GRADER}")
        show_summaries(found)
        if out is not None:
            typer.echo(f"The trace is in {out}.")
    said = [*wrong, *(f"{task} could not be played: {why}" for task, why in not_played.items())]
    for how, count in found.overall.ended.items():
        if how not in ("done", *NOT_PLAYED):
            first = next(run.score for run in runs if run.score.ended == how)
            runs_ended = "1 run ended" if count == 1 else f"{count} runs ended"
            said.append(f"{runs_ended} {how}; the first, of {first.task}: {first.why}")
    for each in said[:MOST_SHOWN]:
        typer.echo(f"texml-mcp: {each}", err=True)
    if len(said) > MOST_SHOWN:
        typer.echo(f"texml-mcp: and {len(said) - MOST_SHOWN} more", err=True)


@contextmanager
def _bar() -> Generator[Callable[[str, int, int], None]]:
    """Tells of each task that is through: its name, how many are, and of how many. Only on a terminal."""
    if not on_terminal():
        yield lambda name, done, of: None
        return
    with progress_bar() as bar:
        line = bar.add_task("", total=None)
        yield lambda name, done, of: bar.update(line, completed=done, total=of, description=name)
