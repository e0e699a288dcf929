"""The trace of an evaluation, as it is read: JSON lines, `texml-bench-trace/1`.

The first line is the header. Then, in the order in which they came about, a line with what the reference of
a task comes to, and a line for each finished run with its score at that time. Reading is strict: whatever is
not exactly that is an error with its line number. Only a last line without its end is let pass: a kill leaves
one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import Expected, Score

SCHEMA = "texml-bench-trace/1"
_Checked = TypeVar("_Checked")

# What a line of an episode's log must hold to be graded; see `Episode`.
_HOLDS: dict[str, dict[str, type]] = {
    "user": {"text": str},
    "agent": {"text": str},
    "call": {"tool": str, "arguments": dict, "digest": str},
    "request": {"operation": str, "path": dict, "query": dict, "body": dict, "status": int, "risky": bool},
    "asked": {"text": str, "answer": bool},
}


class TraceError(ValueError):
    """A trace that cannot be read or written; the text names the file, the line, and what is wrong."""


class Line(BaseModel):
    """What every line has in common: nothing unknown in it, nothing converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Entry(Line):
    """A task as it was when the trace was begun."""

    digest: str
    family: str
    difficulty: str


class Header(Line):
    """What was run. Runs of traces whose headers agree in everything but `started` can be put together."""

    kind: Literal["header"] = "header"
    schema_: Literal["texml-bench-trace/1"] = Field(default=SCHEMA, alias="schema")
    grader: str
    texml_mcp: str
    agent: str
    server: str
    tasks: dict[str, Entry]
    trials: int = Field(ge=1)
    seed: int
    options: dict[str, Any] = Field(default_factory=dict, description="Whatever else a result depends on.")
    started: str

    def differences(self, other: Header) -> list[str]:
        """Why runs of the two cannot be put together, in words; nothing when they can."""
        found: list[str] = []
        for name in ("agent", "server", "trials", "seed", "options", "grader", "texml_mcp"):
            here, there = getattr(self, name), getattr(other, name)
            if here != there:
                found.append(f"{name} is {_shown(here)} there and {_shown(there)} here")
        lost, new = self.tasks.keys() - other.tasks.keys(), other.tasks.keys() - self.tasks.keys()
        both = self.tasks.keys() & other.tasks.keys()
        changed = {each for each in both if self.tasks[each] != other.tasks[each]}
        for ids, what in ((lost, "only there"), (new, "only here"), (changed, "not what they were")):
            if ids:
                more = f" and {len(ids) - 3} more" if len(ids) > 3 else ""
                found.append(f"tasks {what}: {', '.join(sorted(ids)[:3])}{more}")
        return found


class ExpectedLine(Line):
    """What the reference of a task comes to, for grading its runs later."""

    kind: Literal["expected"] = "expected"
    task: str
    end: dict[str, Any]
    creates: dict[str, int]


class EpisodeLine(Line):
    """A finished run."""

    kind: Literal["episode"] = "episode"
    digest: str
    unsafe: bool = Field(description="Follows from the score; here for whoever reads only that.")
    score: Score
    episode: Episode


_LINE: TypeAdapter[ExpectedLine | EpisodeLine] = TypeAdapter(
    Annotated[ExpectedLine | EpisodeLine, Field(discriminator="kind")]
)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: what happened, and what it was worth when it was graded."""

    episode: Episode
    score: Score
    digest: str

    @property
    def key(self) -> tuple[str, int]:
        return self.episode.task, self.episode.trial


@dataclass(slots=True)
class Trace:
    """A trace as it is read. `whole` counts the bytes of its complete lines; `torn` when there are more."""

    path: Path
    header: Header
    expected: dict[str, Expected] = field(default_factory=dict[str, Expected])
    runs: dict[tuple[str, int], Run] = field(default_factory=dict[tuple[str, int], Run])
    whole: int = 0
    torn: bool = False

    def in_order(self) -> list[Run]:
        """The runs by task and trial, however they finished."""
        return [self.runs[key] for key in sorted(self.runs)]


def read(path: Path) -> Trace:
    """The trace in a file. Raises `TraceError`."""
    try:
        with path.open("rb") as file:
            trace = trace_in(path, file)
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from None
    if trace is None:
        raise TraceError(
            f"{path}: line 1: there is no header; this is not a {SCHEMA}, or nothing was run yet"
        )
    return trace


def trace_in(path: Path, lines: Iterable[bytes]) -> Trace | None:
    """The trace of these lines of bytes, None where not even the header is whole. Raises `TraceError`."""
    trace: Trace | None = None
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            if trace is not None:
                trace.torn = True
            break
        try:
            if trace is None:
                trace = Trace(path, _header(line))
            else:
                _take(trace, line)
        except TraceError as error:
            raise TraceError(f"{path}: line {number}: {error}") from None
        trace.whole += len(line)
    return trace


def _header(line: bytes) -> Header:
    try:
        held: Any = json.loads(line)
    except (ValueError, RecursionError):
        held = None
    named: Any = cast("dict[str, Any]", held).get("schema") if isinstance(held, dict) else None
    if not isinstance(named, str) or not named.startswith("texml-bench-trace/"):
        raise TraceError(f"this is not the header of a {SCHEMA}")
    if named != SCHEMA:
        raise TraceError(f"this is a {named[:40]}; this version of texml-mcp reads {SCHEMA} alone")
    return _checked(Header.model_validate_json, line)


def _take(trace: Trace, line: bytes) -> None:
    """Add what a line after the header says. Raises `TraceError` without the line's number."""
    held = _checked(_LINE.validate_json, line)
    if isinstance(held, ExpectedLine):
        if held.task not in trace.header.tasks:
            raise TraceError(f"the header knows no task {held.task[:80]!r}")
        if held.task in trace.expected:
            raise TraceError(f"what {held.task} comes to was said before")
        trace.expected[held.task] = Expected(held.end, held.creates)
        return
    episode = held.episode
    entry = trace.header.tasks.get(episode.task)
    if entry is None:
        raise TraceError(f"the header knows no task {episode.task[:80]!r}")
    if held.digest != entry.digest or episode.seed != trace.header.seed:
        raise TraceError(f"this run of {episode.task} has another digest or seed than the header says")
    if not 1 <= episode.trial <= trace.header.trials:
        raise TraceError(f"the header knows no trial {episode.trial}")
    if (episode.task, episode.trial) in trace.runs:
        raise TraceError(f"trial {episode.trial} of {episode.task} was there before")
    if (held.score.task, held.score.trial) != (episode.task, episode.trial):
        raise TraceError("the score is of another run")
    for at, happened in enumerate(episode.log):
        if why := _wrong(happened):
            raise TraceError(f"episode.log.{at}: {why}")
    run = Run(episode, held.score, held.digest)
    trace.runs[run.key] = run


def _checked(check: Callable[[bytes], _Checked], line: bytes) -> _Checked:
    try:
        return check(line)
    except ValidationError as error:
        first = error.errors()[0]
        # Of a line after the header the first part only says which kind of line it is.
        parts = first["loc"] if check == Header.model_validate_json else first["loc"][1:]
        place = ".".join(str(part) for part in parts)
        raise TraceError(f"{place}: {first['msg']}"[:300].removeprefix(": ")) from None


def _wrong(happened: Mapping[str, Any]) -> str:
    """What keeps an entry of a log from being graded."""
    holds = _HOLDS.get(str(happened.get("kind")))
    if holds is None:
        return f"kind must be one of {', '.join(_HOLDS)}"
    for name, kind in holds.items():
        if not isinstance(happened.get(name), kind):
            return f"{name} must be there, of type {kind.__name__}"
    return ""


def _shown(value: Any) -> str:
    return json.dumps(value)[:80]
