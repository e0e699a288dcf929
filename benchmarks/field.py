"""What a measurement is given: who is compared, how many rounds, and a place for what servers keep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contenders.registry import Contender, built_in
from benchmarks.stats import Row


@dataclass(slots=True)
class Field:
    """Those who are compared, and who was asked for and is absent, with the reason.

    `quick` asks for a report rather than figures to quote.
    """

    quick: bool = False
    contenders: list[Contender] = field(default_factory=built_in)
    absent: list[Row] = field(default_factory=list[Row])

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def able(self, part: str) -> tuple[list[Contender], list[Row]]:
        """Those that can take part, and a row for each that cannot, with the reason."""
        able = [each for each in self.contenders if part not in each.lacks]
        unable: list[Row] = [
            {"what": each.name, "why not": each.lacks[part]} for each in self.contenders if part in each.lacks
        ]
        return able, unable + self.absent


_MEMORY = Path("/dev/shm")


@contextmanager
def scratch(*, disk: bool = False) -> Iterator[Path]:
    """A directory for the state of servers, for the length of the block.

    In memory where the system offers that, so that the server is measured and not the disk.
    """
    memory = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=None if disk else memory, ignore_cleanup_errors=True) as directory:
        yield Path(directory)
