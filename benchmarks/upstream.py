"""A local API in a process of its own: it answers what it was given, as fast as asyncio can.

python -m benchmarks.upstream ANSWERS.json

The file maps "METHOD path" to the body of the answer. Paths are looked up from behind the account on, and
without `.json`, so that every server that is compared finds the same answers under its own addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_BEFORE = re.compile(r"^.*?/Accounts/[^/]+/|^/v2/")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ABSENT = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def key(method: str, target: str) -> str:
    """What an address is looked up by, whichever server it comes from."""
    path = unquote(target.partition("?")[0])
    return f"{method} {_BEFORE.sub('', path).removesuffix('.json')}"


class _Answering(asyncio.Protocol):
    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self._answers = answers
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._held) < whole:
                return
            self._held = self._held[whole:]
            method, target = head.split(b" ", 2)[:2]
            self._transport.write(self._answers.get(key(method.decode(), target.decode()), _ABSENT))


def _wire(body: Any) -> bytes:
    text = json.dumps(body, separators=(",", ":")).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(text) + text
    )


async def _serve(answers: Mapping[str, bytes]) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Answering(answers), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextlib.contextmanager
def upstream(answers: Mapping[str, Any]) -> Iterator[str]:
    """The address of an API that runs as long as the block; its base URL is under `/v2`."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "answers.json"
        file.write_text(json.dumps(answers))
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.upstream", str(file)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text())
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve({name: _wire(body) for name, body in given.items()}))
