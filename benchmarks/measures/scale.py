"""How cost grows with size: each subject must be flat or linear, and says with which slope."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.field import Field
from benchmarks.scale.fit import fit
from benchmarks.scale.gate import approvals, audit, journal, listing, policy
from benchmarks.scale.network import pages, worlds
from benchmarks.scale.subject import Subject
from benchmarks.stats import Row

ROUNDS, QUICK_ROUNDS = 9, 3

SUBJECTS: tuple[Callable[[], Iterator[Subject]], ...] = (
    worlds,
    pages,
    audit,
    policy,
    approvals,
    listing,
    journal,
)


def scale(field: Field) -> list[Row]:
    """Cost against size, the best of several rounds at each size; flat, linear with its slope, or flagged."""
    return [told(subject, field.quick) for family in SUBJECTS for subject in family()]


def told(subject: Subject, quick: bool) -> Row:
    sizes = subject.sizes[:-1] if quick and len(subject.sizes) > 3 else subject.sizes
    points = [(size, subject.cost(size, QUICK_ROUNDS if quick else ROUNDS)) for size in sizes]
    subject.close()
    found = fit(points)
    return {
        "what": subject.name,
        "size": f"{points[0][0]:,} to {points[-1][0]:,} {subject.unit}",
        "cost": f"{_time(points[0][1])} to {_time(points[-1][1])}",
        "grows": found.kind,
        "slope": f"{found.slope * 1e6:.3g} µs each" if found.kind == "linear" else "",
        "met": "NO" if found.kind == "neither" else "yes",
        "points": [[size, round(cost * 1e6, 2)] for size, cost in points],
    }


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"
