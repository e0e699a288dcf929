"""What a check answers, and what one check learns that another one needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

Verdict = Literal["ok", "skipped", "warning", "problem"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""From the best to the worst. `skipped` is a check that could not be made, and says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was looked at, how it is, and what to do."""

    name: str
    verdict: Verdict
    text: str


@dataclass(slots=True)
class Facts:
    """What the API told that the question of safety needs, and what no line may repeat.

    `spend_capped` is None while no outbound voice profile could be read.
    """

    secrets: set[str] = field(default_factory=set[str])
    spend_capped: bool | None = None


Findings = Iterator[Finding]


def ok(name: str, text: str) -> Finding:
    return Finding(name, "ok", text)


def skipped(name: str, text: str) -> Finding:
    return Finding(name, "skipped", text)


def warning(name: str, text: str) -> Finding:
    return Finding(name, "warning", text)


def problem(name: str, text: str) -> Finding:
    return Finding(name, "problem", text)


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict of all; what was skipped is not a fault."""
    seen: list[Verdict] = ["ok", *(each.verdict for each in findings if each.verdict != "skipped")]
    return max(seen, key=VERDICTS.index)


def named(words: Sequence[str]) -> str:
    """A list as a sentence has it: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
