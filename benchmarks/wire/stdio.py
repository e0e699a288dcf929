"""A server as a host starts it: a process and its pipes, spoken to in JSON lines."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.wire.launch import Launch, status_kib

_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


_PATIENCE = 10.0  # seconds that a server has to end by itself


class Pipe:
    """One server process. `started` is when it was spawned, by `time.perf_counter`."""

    def __init__(self, launch: Launch) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the pipe
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            list(launch.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=launch.whole_environment(),
        )
        self._id = 0

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its answer. Raises `RuntimeError` when none comes."""
        self._id += 1
        assert self.process.stdout is not None
        try:
            self._send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        except BrokenPipeError:
            raise RuntimeError(f"the server has ended: {self._said()}") from None
        while line := self.process.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") == self._id:
                return answer
        raise RuntimeError(f"the server closed its side: {self._said()}")

    def hello(self) -> dict[str, Any]:
        """The handshake of the legacy era, which most hosts speak; answers what the server says of itself."""
        answer = self.request("initialize", _HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return answer

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of a tool. Raises `RuntimeError` for an error of any kind."""
        answer = self.request("tools/call", {"name": tool, "arguments": arguments})
        if "error" in answer or answer["result"].get("isError"):
            raise RuntimeError(f"{tool} failed: {str(answer)[:600]}")
        return answer["result"]

    def peak_kib(self) -> int:
        """The largest the process has been; 0 where the kernel does not tell."""
        return status_kib(self.process.pid, "VmHWM")

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def _said(self) -> str:
        """The last line it logged."""
        return (self._logged().strip().splitlines() or ["without a word"])[-1]

    def _logged(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def end(self) -> str:
        """End the server as hosts do: close its input, then ask, then insist. Answers all that it logged."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        for insist in (lambda: None, self.process.terminate, self.process.kill):
            insist()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_PATIENCE)
                break
        return self._logged()

    def close(self) -> None:
        """End the server, if that has not been done, and let go of its pipes."""
        self.end()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


@contextlib.contextmanager
def serving(launch: Launch) -> Iterator[Pipe]:
    """A server for the length of the block."""
    pipe = Pipe(launch)
    try:
        yield pipe
    finally:
        pipe.close()
