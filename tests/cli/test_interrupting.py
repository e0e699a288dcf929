"""Ctrl-C ends every command at once: status 130, and no word of the program's insides."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lengths import few

COMMAND = (sys.executable, "-u", "-m", "texml_mcp")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLACING = ["create_call", "To=+13125550142", "From=+13125550100", "ApplicationSid=1293384261075731499"]


class Terminal:
    """A command at a terminal of its own: what it shows, and what is typed."""

    def __init__(self, *words: str, command: tuple[str, ...] = COMMAND, **more: str) -> None:
        self.here, there = pty.openpty()
        self.shown = b""
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CI")}
        self.process = subprocess.Popen(
            [*command, *words],
            stdin=there,
            stdout=there,
            stderr=there,
            env=environment | {"TERM": "xterm-256color", "COLUMNS": "80"} | more,
            preexec_fn=_own_terminal,
        )
        os.close(there)

    def until(self, text: bytes, seconds: float = 60) -> None:
        """Read until the text is shown."""
        end = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < end and self.read():
            continue
        assert text in self.shown, self.shown.decode(errors="replace")

    def read(self, seconds: float = 60) -> bool:
        """Take what is there; false when the command is gone, or silent for so long."""
        if not select.select([self.here], [], [], seconds)[0]:
            return False
        try:
            said = os.read(self.here, 65536)
        except OSError:  # Linux says so that the other side is closed
            return False
        self.shown += said
        return bool(said)

    def interrupted(self) -> int:
        """Press Ctrl-C, and the exit status that comes of it.

        Pressed again when nothing happens: a signal that arrives between the prompt of Python's `input` and
        its wait for a key is only looked at with the next one.
        """
        for _ in range(5):
            os.write(self.here, b"\x03")
            end = time.monotonic() + 5
            while (left := end - time.monotonic()) > 0:
                if not self.read(left):
                    break
            if self.process.poll() is not None:
                break
        return self.ended()

    def ended(self) -> int:
        """The exit status, as a shell tells it."""
        while self.read():
            continue
        code = self.process.wait(30)
        return 128 - code if code < 0 else code

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.here)


def _own_terminal() -> None:
    import fcntl
    import termios

    # Started in the background by a shell, the tests themselves ignore Ctrl-C, and so would what they start.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize(
    ("words", "shown"),
    few(
        [
            (["sandbox", "serve", "--port", "0"], b"Sandbox on http://"),
            (["call", *PLACING, "--sandbox"], b"Do this?"),
            (["demo"], b"See what a call would send"),
            (["lint", "-"], b""),
        ],
        1,
    ),
    ids=["sandbox", "question", "demo", "reading"],
)
def test_ctrl_c_at_a_terminal(words: list[str], shown: bytes) -> None:
    terminal = Terminal(*words)
    try:
        if shown:
            terminal.until(shown)
        else:
            time.sleep(1)  # it waits for what is typed and shows nothing
        assert terminal.interrupted() == 130
        assert b"Traceback" not in terminal.shown
        assert b"Error" not in terminal.shown
    finally:
        terminal.close()


EXAMPLES_THAT_ASK = ["python_client.py", "http_client.py", "function_calling_loop.py"]


@pytest.mark.long
@pytest.mark.parametrize("example", EXAMPLES_THAT_ASK)
def test_ctrl_c_at_the_question_of_an_example(example: str) -> None:
    terminal = Terminal(str(EXAMPLES / example), command=(sys.executable, "-u"))
    try:
        terminal.until(b"Do this?")
        assert terminal.interrupted() == 130
        assert b"Traceback" not in terminal.shown
    finally:
        terminal.close()


@pytest.mark.long
@pytest.mark.parametrize("example", EXAMPLES_THAT_ASK)
def test_a_yes_that_is_typed_is_a_yes(example: str) -> None:
    terminal = Terminal(str(EXAMPLES / example), command=(sys.executable, "-u"))
    try:
        for _ in range(2):
            terminal.until(b"Do this? [y/N] ")
            os.write(terminal.here, b"y\n")
            terminal.shown = b""
            if example != "python_client.py":
                break
        assert terminal.ended() == 0
        assert b"Hung up." in terminal.shown
    finally:
        terminal.close()


def test_whoever_starts_a_server_on_stdio_by_hand_is_told_whom_it_waits_for() -> None:
    terminal = Terminal("serve", "--sandbox")
    try:
        terminal.until(b"--http serves over HTTP.")
        assert b"for a host that starts this command itself" in terminal.shown
        assert terminal.interrupted() == 130
    finally:
        terminal.close()


def test_ctrl_c_is_how_a_server_is_asked_to_stop() -> None:
    terminal = Terminal("serve", "--http", "--sandbox", "--port", "0")
    try:
        terminal.until(b"serving on http://")
        assert terminal.interrupted() == 0
        assert b"Traceback" not in terminal.shown
    finally:
        terminal.close()


def test_ctrl_c_at_a_question_sends_nothing(tmp_path: Path) -> None:
    terminal = Terminal("call", *PLACING, "--sandbox", TEXML_MCP_STATE_DIR=str(tmp_path))
    try:
        terminal.until(b"Do this?")
        assert terminal.interrupted() == 130
        assert b"Nothing was sent" in terminal.shown
    finally:
        terminal.close()


COLOUR = b"\x1b[3"


@pytest.mark.long
def test_colours_on_a_terminal_and_only_there() -> None:
    terminal = Terminal("doctor", "--sandbox")
    try:
        terminal.ended()
        assert COLOUR in terminal.shown
    finally:
        terminal.close()
    piped = subprocess.run(
        [*COMMAND, "doctor", "--sandbox"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    assert b"\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize(
    "words", few([["doctor", "--sandbox"], ["tols"], ["tools"], ["policy", "--help"], ["demo"]], 2)
)
def test_a_terminal_that_knows_no_colours_gets_none(words: list[str]) -> None:
    terminal = Terminal(*words, TERM="dumb")
    try:
        terminal.ended()
        assert COLOUR not in terminal.shown
    finally:
        terminal.close()


@pytest.mark.parametrize(
    "words", few([["doctor", "--sandbox"], ["tols"], ["tools"], ["policy", "--help"], ["demo"]], 2)
)
def test_no_color_is_honoured(words: list[str]) -> None:
    terminal = Terminal(*words, NO_COLOR="1")
    try:
        terminal.ended()
        assert COLOUR not in terminal.shown
    finally:
        terminal.close()
