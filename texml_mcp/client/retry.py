"""Which request may be sent again, when, and for how long.

A read may, whenever the failure looks passing. A write may only when it provably never left: a call
that is placed twice rings twice. Waits are exponential with full jitter, and never shorter than what
upstream asked for; when it asks for more than is left of the budget, the error is told at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from texml_mcp.client.errors import UpstreamError

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState

BUDGET_SECONDS = 20.0
FIRST_WAIT = 0.5
LONGEST_WAIT = 8.0

Sleep = Callable[[float], Awaitable[None]]
Random = Callable[[], float]


def may_repeat(error: BaseException | None, *, reads: bool) -> bool:
    """True when the same request may be sent once more."""
    if not isinstance(error, UpstreamError) or not error.transient:
        return False
    return reads or error.outcome == "not_sent"


def wait_seconds(attempt: int, asked: float | None, random: Random) -> float:
    """The pause after this attempt (from 1); `random` answers 0..1."""
    ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2 ** (attempt - 1))
    if asked is None:
        return random() * ceiling
    # Above what was asked, so that everybody who was told the same second does not return in it.
    return asked + random() * min(ceiling, 1.0)


def retrying(*, reads: bool, max_retries: int, sleep: Sleep, random: Random) -> AsyncRetrying:
    """The loop around one request. A cancellation passes through at once."""
    from tenacity import AsyncRetrying

    def retry(state: RetryCallState) -> bool:
        return may_repeat(_error(state), reads=reads)

    def wait(state: RetryCallState) -> float:
        error = _error(state)
        asked = error.retry_after_seconds if isinstance(error, UpstreamError) else None
        return wait_seconds(state.attempt_number, asked, random)

    def stop(state: RetryCallState) -> bool:
        spent = max(state.seconds_since_start or 0.0, state.idle_for)
        return state.attempt_number > max_retries or spent + state.upcoming_sleep > BUDGET_SECONDS

    return AsyncRetrying(sleep=sleep, retry=retry, wait=wait, stop=stop, reraise=True)


def _error(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()
