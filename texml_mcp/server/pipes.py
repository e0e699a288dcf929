"""Stdin and stdout as the event loop has them: no thread stands between the client and a handler.

The SDK's transport reads and writes in worker threads, and hands each message over four times: that is more
than everything else that an echo costs. Here whoever waits for a message parses what the pipe brought, and
whoever has an answer writes it. Lines, encodings and what is not JSON are treated as by the SDK: a line ends
with LF, CR LF or CR, bytes that are not UTF-8 become U+FFFD, and a line that is no message reaches the server
as the exception that it raised.

For pipes and sockets on POSIX, each a description of its own; `can_use` tells. The rest is the SDK's.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import stat
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType

import anyio
import anyio.lowlevel
from mcp.shared.message import SessionMessage
from mcp_types.jsonrpc import jsonrpc_message_adapter

log = logging.getLogger(__name__)

CHUNK = 256 * 1024
HIGH_WATER = 64 * 1024
"""Bytes that are held for a side that is slower: past it the other side waits."""
LAST_WORDS_SECONDS = 10.0
"""How long the last answers wait for a client that takes nothing any more."""


def can_use() -> bool:
    """Whether stdin and stdout are such that they can be taken for the event loop.

    Files and terminals block whoever reads them. One description for two of them would share its blocking:
    log lines would be lost where stderr goes where stdout goes.
    """
    try:
        taken = [os.fstat(0), os.fstat(1)]
    except OSError:
        return False
    if not all(stat.S_ISFIFO(each.st_mode) or stat.S_ISSOCK(each.st_mode) for each in taken):
        return False
    if os.path.samestat(*taken):
        return False
    try:
        logs = os.fstat(2)
    except OSError:
        return True
    return not any(os.path.samestat(each, logs) for each in taken)


@asynccontextmanager
async def pipes() -> AsyncGenerator[tuple[Incoming, Outgoing]]:
    """The client's messages and the way back, while stray reads and prints are kept off the wire.

    Meanwhile fd 0 is the null device and fd 1 is stderr, so what runs in this process, or is started by it,
    reads nothing of the client and writes nothing to it. Both are as before at the end.
    """
    with _claimed(0, os.open(os.devnull, os.O_RDONLY)) as stdin, _claimed(1, _stderr()) as stdout:
        incoming = Incoming(stdin)
        outgoing = Outgoing(stdout, incoming.abandon)
        try:
            yield incoming, outgoing
        finally:
            await incoming.aclose()
            with anyio.CancelScope(shield=True):
                await outgoing.last_words()


def _stderr() -> int:
    try:
        return os.dup(2)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


@contextmanager
def _claimed(fd: int, stand_in: int) -> Generator[int]:
    """Another descriptor for what `fd` is, which does not block; `fd` is the stand-in meanwhile."""
    private = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)
    blocking = os.get_blocking(private)
    os.dup2(stand_in, fd)
    os.close(stand_in)
    os.set_blocking(private, False)
    try:
        yield private
    finally:
        os.set_blocking(private, blocking)
        os.dup2(private, fd)
        os.close(private)


class Incoming:
    """The client's messages, as the server's read stream; its end is the end of stdin."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._loop = asyncio.get_running_loop()
        self._lines: deque[bytes] = deque()
        self._held = 0
        self._begun: list[bytes] = []  # of the line that has not ended yet
        self._return = b""  # a CR of which it is not known yet whether LF follows
        self._ended = False
        self._closed = False
        self._reading = False
        self._waiter: asyncio.Future[None] | None = None
        self._watch()

    async def receive(self) -> SessionMessage | Exception:
        """The next message, or what is wrong with it. Raises `anyio.EndOfStream` after the last."""
        while not self._lines:
            if self._closed:
                raise anyio.ClosedResourceError
            if self._ended:
                raise anyio.EndOfStream
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        line = self._lines.popleft()
        self._held -= len(line)
        if not self._reading and self._held <= HIGH_WATER:
            self._watch()
        try:
            text = line.decode("utf-8", "replace")
            return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
        except Exception as error:
            return error

    def abandon(self) -> None:
        """The client is gone: what it still asked for is not done, as nobody would hear of it."""
        self._lines.clear()
        self._held = 0
        self._end()

    async def aclose(self) -> None:
        """Stop reading."""
        self._unwatch()
        self._closed = True
        self._wake()

    def _watch(self) -> None:
        if not (self._ended or self._closed):
            self._loop.add_reader(self._fd, self._ready)
            self._reading = True

    def _unwatch(self) -> None:
        if self._reading:
            self._loop.remove_reader(self._fd)
            self._reading = False

    def _end(self) -> None:
        self._unwatch()
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _ready(self) -> None:
        try:
            data = os.read(self._fd, CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # a socket whose other side is gone
            log.debug("stdin: %s", error.strerror)
            data = b""
        if data:
            self._split(data)
        else:
            self._split(b"", last=True)
            self._end()
        if self._held > HIGH_WATER:
            self._unwatch()

    def _split(self, data: bytes, *, last: bool = False) -> None:
        if self._return or b"\r" in data:
            data = self._return + data
            self._return = b"\r" if data.endswith(b"\r") and not last else b""
            data = data[: len(data) - len(self._return)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *ends, rest = data.split(b"\n")
        if ends:
            ends[0] = b"".join((*self._begun, ends[0]))
            self._begun.clear()
        if rest:
            self._begun.append(rest)
        if last and self._begun:
            ends.append(b"".join(self._begun))
            self._begun.clear()
        if ends:
            self._lines.extend(ends)
            self._held += sum(map(len, ends))
            self._wake()

    def __aiter__(self) -> Incoming:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Incoming:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


class Outgoing:
    """The way to the client, as the server's write stream. Messages leave whole, in the order they came."""

    def __init__(self, fd: int, gone: Callable[[], None]) -> None:
        """`gone` is called when the client does not listen any more."""
        self._fd = fd
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._rest: deque[memoryview] = deque()  # what the pipe did not take yet
        self._held = 0
        self._moved = asyncio.Event()
        self._closed = False
        self._broken = False

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message; waits while the client is slow.

        Raises `anyio.ClosedResourceError` after `aclose`, `anyio.BrokenResourceError` without a client.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        while self._held > HIGH_WATER and not (self._broken or self._closed):
            await self._movement()
        if self._closed:
            raise anyio.ClosedResourceError
        if not self._broken:
            text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
            self._write(memoryview(text.encode() + b"\n"))
        if self._broken:
            raise anyio.BrokenResourceError

    async def aclose(self) -> None:
        """Take no more messages; what was taken is still written."""
        self._closed = True
        self._moved.set()

    async def last_words(self) -> None:
        """Wait until all is written, or the client takes nothing any more."""
        while self._rest:
            with anyio.move_on_after(LAST_WORDS_SECONDS) as patience:
                await self._movement()
            if patience.cancelled_caught:
                log.warning("the client takes no more answers: %d bytes are dropped", self._held)
                self._break()

    async def _movement(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    def _write(self, data: memoryview) -> None:
        if not self._rest:
            data = data[self._take(data) :]
            if self._broken or not data:
                return
            self._loop.add_writer(self._fd, self._ready)
        self._rest.append(data)
        self._held += len(data)

    def _take(self, data: memoryview) -> int:
        """How much of it the pipe takes now."""
        try:
            return os.write(self._fd, data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            log.info("the client reads no more (%s)", error.strerror)
            self._break()
            return 0

    def _ready(self) -> None:
        while self._rest and not self._broken:
            taken = self._take(self._rest[0])
            if not taken:
                return
            self._held -= taken
            if taken == len(self._rest[0]):
                self._rest.popleft()
            else:
                self._rest[0] = self._rest[0][taken:]
            self._moved.set()
        if not self._broken:
            self._loop.remove_writer(self._fd)

    def _break(self) -> None:
        self._broken = True
        if self._rest:
            self._loop.remove_writer(self._fd)
            self._rest.clear()
            self._held = 0
        self._moved.set()
        self._gone()

    async def __aenter__(self) -> Outgoing:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
