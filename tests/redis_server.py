"""A real redis-server on a free port of loopback, for as long as a test needs it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

REASON = "redis-server is not installed"


def installed() -> bool:
    return shutil.which("redis-server") is not None


class RedisServer:
    """One server that keeps nothing unless `durable`. It can be killed, frozen, and started again.

    `url` stays the same across restarts. Options go to the command line of `redis-server`.
    """

    def __init__(self, directory: Path, *options: str, durable: bool = False) -> None:
        self._directory = directory
        self._options = (*options, "--appendonly", "yes", "--appendfsync", "always") if durable else options
        self._child: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> RedisServer:
        for _ in range(5):
            child = subprocess.Popen(
                [
                    *("redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", ""),
                    *("--dir", str(self._directory), "--loglevel", "warning", *self._options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            self._child = child
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and child.poll() is None:
                if self._answers():
                    return self
                time.sleep(0.02)
            self.kill()
        raise RuntimeError(f"redis-server did not start on port {self.port}")

    def kill(self) -> None:
        """As a machine that loses its power."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Forget everything, scripts included."""
        self._say(b"FLUSHALL\r\nSCRIPT FLUSH\r\n")

    def _answers(self) -> bool:
        try:
            told = self._say(b"PING\r\n")
        except OSError:
            return False
        return told.startswith((b"+PONG", b"-NOAUTH"))

    def _say(self, words: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as wire:
            wire.sendall(words)
            return wire.recv(1024)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
