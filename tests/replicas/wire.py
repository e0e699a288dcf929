"""A wire between a server and Redis that loses one command, or the answer to it, wherever it is told to."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Literal, Self

Lost = Literal["question", "answer"]


class Wire:
    """Passes everything on. After `lose` the command of that number breaks the connection, once.

    A lost question has never reached Redis; a lost answer has been earned: Redis did what it was asked.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._countdown = 0
        self._lost: Lost = "answer"
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    def lose(self, what: Lost, number: int) -> None:
        """Of the commands that come from now on, the first is number 1."""
        self._lost, self._countdown = what, number

    def keep(self) -> None:
        """Lose nothing any more."""
        self._countdown = 0

    @property
    def waits(self) -> bool:
        """Whether that command has not come yet."""
        return self._countdown > 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._one(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, redis = await asyncio.open_connection("127.0.0.1", self._port)
        lost = False

        async def pass_back() -> None:
            while (answer := await answers.read(65536)) and not lost:
                writer.write(answer)

        passing_back = asyncio.create_task(pass_back())
        try:
            while command := await _command(reader):
                strikes = self._countdown == 1
                self._countdown = max(0, self._countdown - 1)
                if strikes and self._lost == "question":
                    return
                lost = strikes
                redis.write(command)
                if lost:
                    await passing_back
                    return
        finally:
            passing_back.cancel()
            redis.close()
            writer.close()


async def _command(reader: asyncio.StreamReader) -> bytes:
    """One command as a client writes it: an array of strings, each with its length. Empty at the end."""
    head = await reader.readline()
    parts = [head]
    for _ in range(int(head[1:]) if head else 0):
        length = await reader.readline()
        parts += [length, await reader.readexactly(int(length[1:]) + 2)]
    return b"".join(parts)
