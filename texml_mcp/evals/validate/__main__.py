"""`python -m texml_mcp.evals.validate PATH...`: what is wrong with these tasks, a line each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from texml_mcp.evals.validate import validate


def main(arguments: Sequence[str]) -> int:
    """Validate the tasks at these paths, or the whole suite; 1 when something is wrong, otherwise 0."""

    def progress(task: str, done: int, of: int) -> None:
        sys.stderr.write(f"{done}/{of} {task}\n")

    problems = validate([Path(each) for each in arguments], progress=progress)
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
