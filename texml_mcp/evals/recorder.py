"""The one writer of a trace: runs are on the disk as they finish, and a kill loses at most the unfinished."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from texml_mcp.evals.episode import Episode
from texml_mcp.evals.grading import Expected
from texml_mcp.evals.trace import ExpectedLine, Header, Line, Run, Trace, TraceError, trace_in
from texml_mcp.locking import lock

_START = b'{"kind":"header"'


class Recorder:
    """Every line is on the disk before the call that wrote it returns. `held` is what was there before."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        """A new file, or with `resume` one that may be there. Raises `TraceError`, also where somebody else
        writes it."""
        self.path = path
        self.held: Trace | None = None
        flags = os.O_RDWR | os.O_CREAT | (0 if resume else os.O_EXCL) | getattr(os, "O_BINARY", 0)
        try:
            self._descriptor = os.open(path, flags, 0o644)
        except FileExistsError:
            raise TraceError(f"{path} is there already: go on with it by --resume, or name another") from None
        except OSError as error:
            raise TraceError(f"{path}: cannot be written: {error.strerror}") from None
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        if os.name == "posix" and not lock(self._descriptor, 0.0):
            raise TraceError(f"{self.path}: another run is writing it")
        try:
            with os.fdopen(os.dup(self._descriptor), "rb") as file:
                self.held = trace_in(self.path, file)
                file.seek(0)
                start = b"" if self.held else file.read(len(_START))
        except OSError as error:
            raise TraceError(f"{self.path}: cannot be read: {error.strerror}") from None
        if not _START.startswith(start):
            raise TraceError(f"{self.path}: line 1: this is no trace, and stays as it is")

    def begin(self, header: Header) -> None:
        """Write the header, or cut off a torn last line to go on behind what is whole.

        Raises `TraceError` where the trace was begun with other things, and leaves it as it is.
        """
        if self.held is not None and (different := self.held.header.differences(header)):
            raise TraceError(f"{self.path} cannot be gone on with: {'; '.join(different)}")
        whole = self.held.whole if self.held else 0
        try:
            os.ftruncate(self._descriptor, whole)
            os.lseek(self._descriptor, whole, os.SEEK_SET)
        except OSError as error:
            raise TraceError(f"{self.path}: cannot be written: {error.strerror}") from None
        if self.held is None:
            self._write(header.model_dump(mode="json", by_alias=True))

    def expected(self, task: str, expected: Expected) -> None:
        """Raises `TraceError` when the disk does not take it; so does `run`."""
        line = ExpectedLine(task=task, end=expected.end, creates=dict(expected.creates))
        self._write(line.model_dump(mode="json"))

    def run(self, run: Run) -> None:
        held = {"kind": "episode", "digest": run.digest, "unsafe": run.score.unsafe}
        self._write({**held, "score": asdict(run.score), "episode": run.episode.as_json()})

    def close(self) -> None:
        os.close(self._descriptor)

    def _write(self, value: Any) -> None:
        left = memoryview(_text(value).encode() + b"\n")
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
            os.fsync(self._descriptor)
        except OSError as error:
            raise TraceError(f"{self.path}: cannot be written: {error.strerror}") from None


def as_kept(episode: Episode) -> Episode:
    """The episode as it comes back from a trace: what is graded now is what can be graded later.

    What no JSON holds (halves of characters, numbers without end) is replaced; where that is not enough, what
    is left of the episode says so.
    """
    try:
        return _Kept.model_validate_json(_text({"episode": episode.as_json()})).episode
    except (ValidationError, ValueError, TypeError, RecursionError) as error:
        why = f"what happened cannot be kept as JSON: {' '.join(str(error).split())[:200]}"
        left = Episode(episode.task, episode.trial, episode.seed, ended="agent_failed", why=why)
        left.wall_seconds = episode.wall_seconds
        return left


class _Kept(Line):
    episode: Episode


def _text(value: Any) -> str:
    """One line of JSON that any program can read."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except ValueError:
        text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and value - value != 0.0:
        return str(value)
    if isinstance(value, dict):
        return {_plain(key): _plain(inner) for key, inner in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    return value
