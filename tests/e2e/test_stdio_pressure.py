"""Who is slow makes the other side wait, and only that: nothing is lost, torn, or kept without end."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest

from texml_mcp.server import pipes
from texml_mcp.server.pipes import HIGH_WATER, Incoming, Outgoing

pytestmark = pytest.mark.anyio

LARGE = "x" * 8_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:
            continue  # the test has closed it


def note(number: int) -> SessionMessage:
    return SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="n", params={"n": number, "text": LARGE}))


async def test_a_server_that_is_slow_stops_reading(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    incoming = Incoming(reading)
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"text": LARGE}}).encode() + b"\n"
    sent = 0
    for _ in range(200):  # the loop gets every chance to read more than it should
        try:
            sent += os.write(writing, line[sent % len(line) :])
        except BlockingIOError:
            await anyio.sleep(0)
    assert sent < 16 * HIGH_WATER  # what the pipe holds, and what was read ahead
    rest = line[sent % len(line) :] if sent % len(line) else b""
    heard = 0
    async with anyio.create_task_group() as group:

        async def finish() -> None:
            data = rest
            while data:
                try:
                    data = data[os.write(writing, data) :]
                except BlockingIOError:
                    await anyio.sleep(0)
            os.close(writing)

        group.start_soon(finish)
        async for each in incoming:
            assert isinstance(each, SessionMessage)
            assert isinstance(each.message, JSONRPCRequest)
            heard += 1
    assert heard == -(-sent // len(line))


async def test_a_client_that_is_slow_makes_calls_wait_and_gets_all_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing = Outgoing(writing, lambda: None)
    sent: list[int] = []

    async def send_all() -> None:
        for number in range(100):
            await outgoing.send(note(number))
            sent.append(number)
        await outgoing.aclose()
        await outgoing.last_words()
        os.close(writing)

    got = b""
    async with anyio.create_task_group() as group:
        group.start_soon(send_all)
        await anyio.wait_all_tasks_blocked()
        assert 0 < len(sent) < 100
        while True:
            try:
                piece = os.read(reading, 5_000)
            except BlockingIOError:
                await anyio.sleep(0)
                continue
            if not piece:
                break
            got += piece
    assert [json.loads(line)["params"]["n"] for line in got.splitlines()] == list(range(100))


async def test_many_who_write_at_once_tear_no_message(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing = Outgoing(writing, lambda: None)
    got = b""
    async with anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(outgoing.send, note(number))
        while got.count(b"\n") < 60:
            try:
                got += os.read(reading, 3_000)
            except BlockingIOError:
                await anyio.sleep(0)
    assert sorted(json.loads(line)["params"]["n"] for line in got.splitlines()) == list(range(60))


async def test_a_client_that_takes_nothing_is_not_waited_for_without_end(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipes, "LAST_WORDS_SECONDS", 0.05)
    gone: list[bool] = []
    outgoing = Outgoing(pipe[1], lambda: gone.append(True))
    with anyio.move_on_after(0.5):
        for number in range(100):
            await outgoing.send(note(number))
    with caplog.at_level(logging.WARNING):
        await outgoing.last_words()
    assert "bytes are dropped" in caplog.text
    assert gone == [True]
    with pytest.raises(anyio.BrokenResourceError):
        await outgoing.send(note(0))


async def test_a_client_that_leaves_wakes_who_waits_for_it(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    gone: list[bool] = []
    outgoing = Outgoing(writing, lambda: gone.append(True))
    failed: list[int] = []

    async def send(number: int) -> None:
        try:
            await outgoing.send(note(number))
        except anyio.BrokenResourceError:
            failed.append(number)

    async with anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(send, number)
        await anyio.wait_all_tasks_blocked()
        os.close(reading)
    assert gone == [True]
    assert len(failed) > 20


async def test_after_the_end_nothing_is_taken(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    outgoing = Outgoing(writing, lambda: None)
    await outgoing.aclose()
    with pytest.raises(anyio.ClosedResourceError):
        await outgoing.send(note(1))
    incoming = Incoming(reading)
    os.write(writing, b'{"jsonrpc":"2.0","method":"n"}\n')
    await incoming.aclose()
    with pytest.raises(anyio.ClosedResourceError):
        await incoming.receive()
