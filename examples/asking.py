"""Ask at the terminal while everything else goes on; the examples share it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading


async def typed(question: str) -> str:
    """A line from the terminal. The thread that waits for it holds nobody up when Ctrl-C is pressed."""
    print(question, end="", flush=True)
    loop, line = asyncio.get_running_loop(), asyncio.Future[str]()

    def wait() -> None:
        said = os.read(sys.stdin.fileno(), 1000).decode(errors="replace")
        loop.call_soon_threadsafe(line.set_result, said)

    threading.Thread(target=wait, daemon=True).start()
    return (await line).strip().lower()
