"""What is wrong with a task, in a line that says where and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`task` is the id, or the file of a task that has none; `place` a part of the task, or a run of it."""

    task: str
    place: str
    why: str

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.task}: {place}{self.why}"
