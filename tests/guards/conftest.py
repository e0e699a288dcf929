"""A call to judge, and usage that is a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from texml_mcp.gate.guards import Finding, GuardConfig, Request, check

NOON = datetime(2026, 6, 1, 16, tzinfo=UTC)  # 12:00 in New York, 09:00 in Los Angeles


class Ledger:
    """Entries as (series, time, amount)."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, float, float]] = []

    def add(self, series: str, at: float, amount: float = 1.0) -> None:
        self.entries.append((series, at, amount))

    def count(self, series: str, since: float) -> int:
        return sum(1 for name, at, _ in self.entries if name == series and at >= since)

    def total(self, series: str, since: float) -> float:
        return sum(amount for name, at, amount in self.entries if name == series and at >= since)


Judge = Callable[..., tuple[Finding, ...]]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def judge(ledger: Ledger) -> Judge:
    """`judge(endpoint, wire, live=True, now=NOON, **options)`: the findings, of quiet hours only if asked."""

    def run(
        endpoint: str, wire: dict[str, Any], live: bool = True, now: datetime = NOON, **options: Any
    ) -> tuple[Finding, ...]:
        config = GuardConfig.model_validate({"hours": "off", **options})
        return check(Request(endpoint, wire, "acc", live, now), config, ledger)

    return run
