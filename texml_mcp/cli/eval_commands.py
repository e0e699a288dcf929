"""The `eval` commands: run the benchmark, and make something of what it left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from texml_mcp.cli import completing

evals = typer.Typer(
    help="The benchmark: tasks on sandbox worlds, graded by what became of them.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="For another program.")]
Tasks = Annotated[
    list[Path] | None,
    typer.Option("--tasks", help="A task file, or a directory of them; default: the suite that comes along."),
]
Pattern = Annotated[
    list[str] | None,
    typer.Option("--task", help="Only ids that fit, such as 'call-*'; more than once for more."),
]
Family = Annotated[
    list[str] | None,
    typer.Option(
        "--family", help="Only this family; more than once for more.", autocompletion=completing.families
    ),
]
Difficulty = Annotated[
    list[str] | None,
    typer.Option(
        "--difficulty",
        help="Only easy, medium or hard; more than once for more.",
        autocompletion=completing.difficulties,
    ),
]
Traces = Annotated[list[Path], typer.Argument(metavar="TRACE", help="Files that eval run has written.")]


@evals.command("run")
def run(
    agent: Annotated[
        str,
        typer.Option(
            "--agent",
            help="reference, null, random, greedy, command:COMMAND or openai:MODEL.",
            autocompletion=completing.agents,
        ),
    ],
    server: Annotated[
        str, typer.Option("--server", help="texml-mcp, a shipped configuration, or the file of one.")
    ] = "texml-mcp",
    task: Pattern = None,
    family: Family = None,
    difficulty: Difficulty = None,
    trials: Annotated[int, typer.Option(help="How often each task is tried.", min=1, max=1000)] = 1,
    jobs: Annotated[int, typer.Option(help="How many runs at once.", min=1, max=256)] = 1,
    seed: Annotated[int, typer.Option(help="Told to the agent, with the trial.", min=0)] = 0,
    seconds: Annotated[
        float, typer.Option(help="Longest time of one run, in real seconds.", min=0.1, max=86_400)
    ] = 600.0,
    out: Annotated[Path | None, typer.Option("--out", help="The trace to write.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the trace of --out, where it is there.")
    ] = False,
    tasks: Tasks = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Of openai: the endpoint, up to /v1; default: OpenAI's.")
    ] = None,
    key_env: Annotated[
        str, typer.Option("--key-env", help="Of openai: the environment variable with the key.")
    ] = "OPENAI_API_KEY",
    temperature: Annotated[
        float | None, typer.Option(help="Of openai: default is the endpoint's own.", min=0, max=2)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let an agent try the tasks; exit 0 when every task could be played."""
    from texml_mcp.cli import eval_run
    from texml_mcp.cli.eval_choice import Choice, usage

    with usage():
        code = eval_run.run(
            Choice(tuple(tasks or ()), tuple(task or ()), tuple(family or ()), tuple(difficulty or ())),
            eval_run.Asked(
                agent=agent,
                server=server,
                trials=trials,
                jobs=jobs,
                seed=seed,
                seconds=seconds,
                out=out,
                resume=resume,
                url=url,
                key_variable=key_env,
                temperature=temperature,
            ),
            as_json=as_json,
        )
    raise typer.Exit(code)


@evals.command("score")
def score(
    traces: Traces,
    tasks: Tasks = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the one trace with its new scores here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Grade old traces by today's grader and tasks, and say what changes."""
    from texml_mcp.cli import eval_judge
    from texml_mcp.cli.eval_choice import usage

    with usage():
        code = eval_judge.score(traces, tasks or [], out=out, as_json=as_json)
    raise typer.Exit(code)


@evals.command("diff")
def diff(
    one: Annotated[Path, typer.Argument(metavar="A", help="A trace.")],
    other: Annotated[Path, typer.Argument(metavar="B", help="The trace to compare with it.")],
    as_json: AsJson = False,
) -> None:
    """Say which tasks flipped between two traces, and how the measures moved; exit 0 either way."""
    from texml_mcp.cli import eval_judge
    from texml_mcp.cli.eval_choice import usage

    with usage():
        eval_judge.diff(one, other, as_json=as_json)


@evals.command("list")
def list_(
    task: Pattern = None,
    family: Family = None,
    difficulty: Difficulty = None,
    tasks: Tasks = None,
    as_json: AsJson = False,
) -> None:
    """The tasks: id, family, difficulty, title."""
    from texml_mcp.cli import eval_choice

    with eval_choice.usage():
        eval_choice.show(
            eval_choice.Choice(
                tuple(tasks or ()), tuple(task or ()), tuple(family or ()), tuple(difficulty or ())
            ),
            as_json=as_json,
        )


@evals.command("validate")
def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH", help="Task files, or directories of them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that tasks can be solved, can be failed, and give nothing away; exit 1 with what is wrong."""
    from texml_mcp.cli import eval_run
    from texml_mcp.cli.eval_choice import usage

    with usage():
        code = eval_run.validate(paths or [], as_json=as_json)
    raise typer.Exit(code)


@evals.command("report")
def report(
    traces: Traces,
    out: Annotated[Path, typer.Option("--out", help="The file of HTML to write.")],
) -> None:
    """Write a page about traces: one file, without a script, that needs no network."""
    from texml_mcp.cli import eval_judge
    from texml_mcp.cli.eval_choice import usage

    with usage():
        eval_judge.report(traces, out)


def add_to(app: typer.Typer) -> None:
    """Put these commands into the command line."""
    from texml_mcp.cli import eval_export  # which takes its options from here

    eval_export.add_to(evals)
    app.add_typer(evals, name="eval")
