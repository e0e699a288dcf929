"""Which of many alike are tried every day: a few of each kind, so that a plain break shows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def few(cases: Iterable[Any], everyday: int | Callable[[Any], bool]) -> list[Any]:
    """Cases for `parametrize`: the first so many, or those that are chosen, are everyday, the others long."""
    chosen = everyday if callable(everyday) else None
    return [
        case if (chosen(case) if chosen else at < everyday) else _long(case) for at, case in enumerate(cases)
    ]


def _long(case: Any) -> Any:
    values = case if type(case) is tuple else (case,)
    return pytest.param(*values, marks=pytest.mark.long)
