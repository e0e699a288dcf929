"""Starting the servers that are compared, as a host starts them: a process and its pipes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

ENVIRONMENT = {
    "TELNYX_API_KEY": "sandbox-bench",
    "TELNYX_ACCOUNT_SID": "acc",
    "PYTHONDONTWRITEBYTECODE": "1",
}
OURS = [sys.executable, "-m", "texml_mcp", "serve"]
BARE = [sys.executable, "-m", "benchmarks.bare"]

_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


class Pipe:
    """One server process, spoken to in JSON lines without a client library in the way."""

    def __init__(self, command: list[str], url: str = "") -> None:
        environment = os.environ | ENVIRONMENT | {"BENCH_URL": url}
        if url:
            environment["TEXML_MCP_BASE_URL"] = url
        arguments = command if url or command is BARE else [*command, "--sandbox"]
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._id = 0

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its answer."""
        self._id += 1
        self._send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") == self._id:
                return answer
        raise RuntimeError("the server closed its side")

    def hello(self) -> None:
        """The handshake of the legacy era, which most hosts speak."""
        self.request("initialize", _HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        if "error" in answer or answer["result"].get("isError"):
            raise RuntimeError(f"{tool} failed: {answer}")
        return answer["result"]

    def peak_kib(self) -> int:
        """The largest the process has been, from the kernel; 0 where there is no such file."""
        with contextlib.suppress(OSError), open(f"/proc/{self.process.pid}/status") as status:  # noqa: PTH123
            for line in status:
                if line.startswith("VmHWM"):
                    return int(line.split()[1])
        return 0

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


@contextlib.contextmanager
def serving(command: list[str], url: str = "") -> Iterator[Pipe]:
    pipe = Pipe(command, url)
    try:
        yield pipe
    finally:
        pipe.close()
