"""What the suite must be as a whole: enough tasks of every family and difficulty, and no two alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import get_args

from texml_mcp.evals.model import Difficulty, Family, Task
from texml_mcp.evals.validate.problem import Problem

LEAST_TASKS = 60
LEAST_OF_FAMILY = 2
LEAST_OF_DIFFICULTY = 15
SUITE = "the suite"


def alike(tasks: Iterable[Task]) -> Iterator[Problem]:
    """Tasks that begin with the same words."""
    first: dict[str, str] = {}
    for task in tasks:
        opening = " ".join(task.user.opening.lower().split())
        if opening in first:
            yield Problem(task.id, "user/opening", f"is the opening of {first[opening]} too")
        first.setdefault(opening, task.id)


def too_few(tasks: Iterable[Task]) -> Iterator[Problem]:
    """What is missing in the suite."""
    held = list(tasks)
    if len(held) < LEAST_TASKS:
        yield Problem(SUITE, "", f"has {len(held)} tasks, and needs {LEAST_TASKS}")
    families = Counter(task.family for task in held)
    for family in get_args(Family):
        if families[family] < LEAST_OF_FAMILY:
            needs = f"has {families[family]} tasks, and needs {LEAST_OF_FAMILY}"
            yield Problem(SUITE, f"family {family}", needs)
    levels = Counter(task.difficulty for task in held)
    for level in get_args(Difficulty):
        if levels[level] < LEAST_OF_DIFFICULTY:
            needs = f"has {levels[level]} tasks, and needs {LEAST_OF_DIFFICULTY}"
            yield Problem(SUITE, f"difficulty {level}", needs)
