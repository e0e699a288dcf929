"""A local API that answers every GET with the same call, as fast as asyncio can."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator

CALL = {
    "account_sid": "61bf923e-5e4d-4595-a110-56190ea18a1b",
    "date_created": "Thu, 15 Jun 2023 09:56:40 +0000",
    "date_updated": "Thu, 15 Jun 2023 09:56:57 +0000",
    "direction": "outbound",
    "duration": "12",
    "end_time": "Thu, 15 Jun 2023 09:56:57 +0000",
    "from": "+13125550101",
    "from_formatted": "(312) 555-0101",
    "sid": "v3:KBnLO0ZK3DhKM5s7bE9VluaSmKsOchKht_fUYvxcp8ysbmzCCtpkmA",
    "start_time": "Thu, 15 Jun 2023 09:56:45 +0000",
    "status": "completed",
    "to": "+13125550100",
    "to_formatted": "(312) 555-0100",
    "uri": "/v2/texml/Accounts/61bf923e-5e4d-4595-a110-56190ea18a1b/Calls/v3:KBnLO0ZK3DhKM5s7bE9V.json",
}
_BODY = json.dumps(CALL).encode()
_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY


async def _client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def upstream() -> Iterator[str]:
    """The base URL of an API that runs as long as the block."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_client, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/v2"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
