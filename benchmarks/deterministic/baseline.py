"""What the numbers were when somebody last accepted them, and whether they have grown since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

LIMIT = 0.05
FILE = Path(__file__).resolve().parents[1] / "baseline.json"

Verdict = Literal["within", "grown", "shrunk", "new", "gone", "skipped"]
FAILS: frozenset[Verdict] = frozenset({"grown", "new", "gone"})


@dataclass(frozen=True, slots=True)
class Number:
    """A value, and where it holds: another Python counts other modules. Empty: everywhere."""

    value: int
    holds_for: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A number that was not taken, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One number before and now; `why` says what to do, or why it was not compared."""

    name: str
    verdict: Verdict
    before: int | None
    now: int | None
    why: str = ""

    @property
    def change(self) -> str:
        """Growth in percent, signed; empty without a pair."""
        if not self.before or self.now is None:
            return ""
        return f"{(self.now / self.before - 1) * 100:+.1f} %"


def compare(
    before: Mapping[str, Number], now: Mapping[str, Number | Skipped], limit: float = LIMIT
) -> list[Finding]:
    """Each number against its baseline, in the order they were taken; those that are gone at the end."""
    found = [_one(name, before.get(name), taken, limit) for name, taken in now.items()]
    gone = "it is no longer measured: make baseline drops it"
    return found + [
        Finding(name, "gone", number.value, None, gone) for name, number in before.items() if name not in now
    ]


def _one(name: str, before: Number | None, now: Number | Skipped, limit: float) -> Finding:
    if isinstance(now, Skipped):
        return Finding(name, "skipped", before and before.value, None, now.why)
    if before is None:
        return Finding(name, "new", None, now.value, "it has no baseline: make baseline adds it")
    if before.holds_for != now.holds_for:
        why = f"the baseline is of {before.holds_for or 'any'}, this is {now.holds_for or 'any'}"
        return Finding(name, "skipped", before.value, now.value, why)
    if now.value > before.value * (1 + limit):
        why = f"more than {limit:.0%} more: undo it, or accept it with make baseline and say why"
        return Finding(name, "grown", before.value, now.value, why)
    if now.value < before.value * (1 - limit):
        why = "make baseline holds it there"
        return Finding(name, "shrunk", before.value, now.value, why)
    return Finding(name, "within", before.value, now.value)


def accepted(before: Mapping[str, Number], now: Mapping[str, Number | Skipped]) -> dict[str, Number]:
    """The new baseline: what was taken, and of what was skipped the old value."""
    kept: dict[str, Number] = {}
    for name, taken in now.items():
        number = before.get(name) if isinstance(taken, Skipped) else taken
        if number is not None:
            kept[name] = number
    return kept


def read(file: Path = FILE) -> dict[str, Number]:
    """The committed baseline; empty where there is none yet. Raises `ValueError` when it cannot be read."""
    if not file.exists():
        return {}
    return {name: Number(**number) for name, number in json.loads(file.read_text()).items()}


def write(numbers: Mapping[str, Number], file: Path = FILE) -> None:
    held = {name: {"value": number.value, "holds_for": number.holds_for} for name, number in numbers.items()}
    file.write_text(json.dumps(held, indent=2) + "\n")
