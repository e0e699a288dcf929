"""The queue of approvals by somebody else: what is approved is found by its call, whoever comes between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.security.world import Clock, state_at
from texml_mcp.gate.external import WAIT_SECONDS, Queue, Waiting
from texml_mcp.gate.state import State


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> Iterator[State]:
    state = state_at(tmp_path, clock)
    yield state
    state.close()


@pytest.fixture
def queue(state: State, clock: Clock) -> Queue:
    return Queue(state, clock)


def asked(queue: Queue) -> Waiting:
    return queue.ask("create_call", "assistant", "a call", "as seen", "Place a call?", ["spends"])


def approved(queue: Queue, waiting: Waiting) -> Waiting:
    return queue.settle(waiting.id, "supervisor", approve=True)


def before(monkeypatch: pytest.MonkeyPatch, state: State, method: str, then: Callable[[], Any]) -> None:
    """Somebody else comes in between, once: just before the store is asked to do this."""
    real = getattr(state.store, method)

    def interrupted(*given: Any, **more: Any) -> Any:
        monkeypatch.setattr(state.store, method, real)
        then()
        return real(*given, **more)

    monkeypatch.setattr(state.store, method, interrupted)


def test_asking_while_an_approval_is_used_leaves_a_request_that_is_found(
    queue: Queue, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one is taken out, a second is asked for, and then the first one's mark is removed."""
    first = approved(queue, asked(queue))
    later: list[Waiting] = []
    before(monkeypatch, state, "delete", lambda: later.append(asked(queue)))
    assert queue.use(first)
    found = queue.of_call("a call")
    assert found is not None
    assert found.id == later[0].id
    assert queue.use(approved(queue, found))


def test_of_two_that_ask_anew_at_once_both_are_told_of_one_request(
    queue: Queue, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both find the mark of a request that was used; the one that is slower must not remove the other's."""
    first = approved(queue, asked(queue))
    state.store.take("external/requests", first.id)  # used, by a process that was killed then
    quicker: list[Waiting] = []
    before(monkeypatch, state, "delete", lambda: quicker.append(asked(queue)))
    slower = asked(queue)
    assert slower.id == quicker[0].id
    found = queue.of_call("a call")
    assert found is not None
    assert found.id == slower.id
    assert [each.id for each in queue.listed()] == [slower.id]


def test_a_request_is_found_as_long_as_it_counts(queue: Queue, state: State, clock: Clock) -> None:
    """Also one that was asked for where the mark of a used one was left behind."""
    first = approved(queue, asked(queue))
    state.store.take("external/requests", first.id)
    clock.pass_by(WAIT_SECONDS - 10)
    second = asked(queue)
    clock.pass_by(20)
    approved(queue, second)
    found = queue.of_call("a call")
    assert found is not None
    assert found.id == second.id
