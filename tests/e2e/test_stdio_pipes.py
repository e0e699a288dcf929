"""A server on its pipes: what clients do to them, and that our transport takes it as the SDK's does."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from tests.e2e.test_bad_input import HELLO, READY
from tests.lengths import few
from texml_mcp.server.pipes import Incoming

SERVE = [sys.executable, "-m", "texml_mcp", "serve", "--sandbox"]
PING = '{"jsonrpc":"2.0","id":%d,"method":"ping"}'
TRANSPORTS = few(["pipes", "plain"], 1)


def request(number: int, method: str, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def call(number: int, tool: str, **arguments: Any) -> str:
    return request(number, "tools/call", name=tool, arguments=arguments)


def wire(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@contextlib.contextmanager
def server(
    transport: str = "pipes", command: list[str] = SERVE, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process and its ends of the pipes, which a test may break."""
    process = subprocess.Popen(
        [*command, *(["--plain-stdio"] if transport == "plain" else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | (env or {}),
    )
    watch = threading.Timer(120, process.kill)  # a server that hangs fails its test, and holds up no other
    watch.start()
    try:
        yield process
    finally:
        watch.cancel()
        for end in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if end is not None:
                    end.close()
        try:
            process.wait(30)
        finally:
            process.kill()


def tell(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()


def hear(process: subprocess.Popen[bytes], until: int) -> list[dict[str, Any]]:
    """Every message up to the answer with this id."""
    assert process.stdout is not None
    heard: list[dict[str, Any]] = []
    for line in process.stdout:
        heard.append(json.loads(line))
        if heard[-1].get("id") == until:
            return heard
    raise AssertionError(f"the server left before it answered {until}: {heard}")


def hear_all(process: subprocess.Popen[bytes], count: int) -> list[dict[str, Any]]:
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


# --- What is on the wire ---

ODD = {
    "lines that end as on Windows": wire(PING % 2).replace(b"\n", b"\r\n"),
    "lines that end as they once did": wire(PING % 2, PING % 3).replace(b"\n", b"\r"),
    "empty lines": b"\n\r\n  \n" + wire(PING % 2),
    "no JSON": b"hello\n{\n[]\nnull\n" + wire(PING % 2),
    "no UTF-8": wire(PING % 2) + b'{"jsonrpc":"2.0","id":3,"method":"\xff\xe2\x82"}\n',
    "a byte order mark": b"\xef\xbb\xbf" + wire(PING % 2) + wire(PING % 3),
    "a batch": b"[" + (PING % 2).encode() + b"]\n",
    "a message in two lines": b'{"jsonrpc":"2.0",\n"id":2,"method":"ping"}\n',
    "a null byte": wire(PING % 2)[:-2] + b"\0}\n",
    "an answer to no question": b'{"jsonrpc":"2.0","id":77,"result":{}}\n' + wire(PING % 2),
    "an id that is no number": b'{"jsonrpc":"2.0","id":"\xc3\xa9","method":"ping"}\n',
}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_odd_input_is_taken_as_the_sdk_takes_it(transport: str) -> None:
    answers: list[list[Any]] = []
    with server(transport) as process:
        tell(process, wire(HELLO, READY))
        hear(process, 1)
        for number, odd in enumerate(ODD.values(), 100):
            tell(process, odd + wire(PING % number))
            answers.append(sorted(json.dumps(each) for each in hear(process, number)[:-1]))
    methods = dict(zip(ODD, answers, strict=True))
    pong = json.dumps({"jsonrpc": "2.0", "id": 2, "result": {}})
    assert methods["lines that end as on Windows"] == [pong]
    assert len(methods["lines that end as they once did"]) == 2
    assert methods["empty lines"] == methods["no JSON"] == methods["an answer to no question"] == [pong]
    assert [json.loads(each).get("error", {}).get("code") for each in methods["no UTF-8"]] == [None, -32601]
    assert [json.loads(each)["id"] for each in methods["a byte order mark"]] == [3]
    for nothing in ("a batch", "a message in two lines", "a null byte"):
        assert methods[nothing] == []
    assert [json.loads(each)["id"] for each in methods["an id that is no number"]] == ["é"]


messages = st.sampled_from(
    [b'{"jsonrpc":"2.0","id":1,"method":"m"}', b'{"jsonrpc":"2.0","method":"n"}', b"{", b""]
)
streams = st.lists(
    st.one_of(messages, st.sampled_from([b"\n", b"\r", b"\r\n"]), st.binary(max_size=4)), max_size=12
)


def told(item: SessionMessage | Exception) -> str:
    return str(item.message) if isinstance(item, SessionMessage) else f"{type(item).__name__}: {item}"


async def as_the_sdk(data: bytes) -> list[str]:
    source = anyio.wrap_file(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="replace"))
    async with stdio_server(source, anyio.wrap_file(io.StringIO())) as (incoming, outgoing):
        heard = [told(each) async for each in incoming]
        await outgoing.aclose()
    return heard


async def as_we_do(data: bytes, cuts: list[int]) -> list[str]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        incoming = Incoming(reading)
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            os.write(writing, data[start:end])
            await anyio.sleep(0)  # the loop has read this piece before the next one comes
        os.close(writing)
        return [told(each) async for each in incoming]
    finally:
        os.close(reading)


@settings(max_examples=150)
@given(streams.map(b"".join), st.data())
def test_bytes_become_the_same_messages_wherever_they_are_cut(data: bytes, drawn: st.DataObject) -> None:
    cuts = sorted(drawn.draw(st.lists(st.integers(0, len(data)), max_size=4)))
    expected = anyio.run(as_the_sdk, data)
    # The SDK shows a line with its end to the parser, which then tells of another column.
    assert [each.split("\n")[0] for each in anyio.run(as_we_do, data, cuts)] == [
        each.split("\n")[0] for each in expected
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_message_of_megabytes_is_read_whole(transport: str) -> None:
    with server(transport) as process:
        tell(process, wire(HELLO, READY, call(2, "get_call", call_sid="x" * 3_000_000), PING % 3))
        heard = {each["id"]: each for each in hear_all(process, 3)}
    assert heard[2]["result"]["structuredContent"]["code"] == "invalid_argument"


@pytest.mark.long
def test_a_message_comes_byte_by_byte() -> None:
    with server() as process:
        for byte in wire(HELLO, READY, PING % 2):
            tell(process, bytes([byte]))
        assert [each["id"] for each in hear(process, 2)] == [1, 2]


# --- Clients that come and go ---


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("last", few([wire(call(2, "list_calls")), b'{"jsonrpc":"2.0","id":2,"meth', b""], 1))
def test_a_client_that_leaves_in_the_middle(transport: str, last: bytes) -> None:
    with server(transport) as process:
        tell(process, wire(HELLO, READY))
        hear(process, 1)
        tell(process, last)
        assert process.stdin is not None
        process.stdin.close()
        assert process.stdout is not None
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(30) == 0
    assert all(each["id"] == 2 for each in rest)
    assert len(rest) <= 1


def test_a_last_message_without_an_end_is_one() -> None:
    with server() as process:
        tell(process, HELLO.encode())
        assert process.stdin is not None
        process.stdin.close()
        assert [each["id"] for each in hear(process, 1)] == [1]


def test_a_client_that_reads_late_misses_nothing() -> None:
    with server() as process:
        tell(process, wire(HELLO, READY))
        hear(process, 1)
        numbers = range(2, 42)  # lists of tools: far more than a pipe holds
        tell(process, wire(*(request(number, "tools/list") for number in numbers)))
        time.sleep(0.5)
        tell(process, wire(PING % 99))
        heard = hear_all(process, len(numbers) + 1)
    assert sorted(each["id"] for each in heard) == [*numbers, 99]
    assert all(len(each["result"]["tools"]) > 30 for each in heard if each["id"] != 99)


def test_who_listens_no_more_is_gone() -> None:
    with server() as process:
        tell(process, wire(HELLO, READY))
        hear(process, 1)
        assert process.stdout is not None
        process.stdout.close()
        tell(process, wire(PING % 2, PING % 3))
        assert process.wait(30) == 0  # though its stdin is open


@pytest.mark.long
def test_a_client_that_listens_no_more_frees_a_server_that_is_held_up_by_it() -> None:
    with server() as process:
        tell(process, wire(HELLO, READY, *(request(number, "tools/list") for number in range(2, 42))))
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 0


def test_a_server_does_not_outlive_a_host_that_is_killed(tmp_path: Path) -> None:
    host = (
        "import subprocess, sys, time\n"
        "server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", host, *SERVE], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    for _ in range(600):
        if not alive(pid):
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("the server is still there")


def alive(pid: int) -> bool:
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- Many at once, and giving up ---


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_of_many_calls_is_answered_once(transport: str) -> None:
    numbers = range(2, 302)
    with server(transport) as process:
        tell(process, wire(HELLO, READY))
        hear(process, 1)
        tell(process, wire(*(call(number, "list_queues", limit=1 + number % 7) for number in numbers)))
        heard = hear_all(process, len(numbers))
        tell(process, wire(PING % 999))
        assert [each["id"] for each in hear(process, 999)] == [999]
    assert sorted(each["id"] for each in heard) == list(numbers)
    assert all(each["result"]["structuredContent"]["status"] == "ok" for each in heard)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_that_is_given_up_is_not_answered(transport: str) -> None:
    giving_up = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}'
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        api = {
            "TELNYX_API_KEY": "sandbox-test",
            "TELNYX_ACCOUNT_SID": "acc",
            "TEXML_MCP_BASE_URL": f"http://127.0.0.1:{silent.getsockname()[1]}/v2",
        }
        with server(transport, command=[each for each in SERVE if each != "--sandbox"], env=api) as process:
            tell(process, wire(HELLO, READY, call(2, "get_call", call_sid="v3:a")))
            line = silent.accept()[0]
            asked = line.makefile("rb")
            while asked.readline() != b"\r\n":
                pass  # until the request is here, which nobody will answer
            tell(process, wire(giving_up, PING % 4))
            assert [each["id"] for each in hear(process, 4)] == [1, 4]
            assert asked.read() == b""  # it was let go
            tell(process, wire(call(5, "validate_texml", texml="<Response/>")))
            assert [each["id"] for each in hear(process, 5)] == [5]
            line.close()


# --- What stdin and stdout can be ---


def spoken(process: subprocess.Popen[bytes]) -> None:
    tell(process, wire(HELLO, READY, PING % 2))
    assert [each["id"] for each in hear(process, 2)] == [1, 2]


@pytest.mark.long
def test_stderr_may_go_where_stdout_goes() -> None:
    process = subprocess.Popen(SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    spoken(process)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("same", few([False, True], 1), ids=["a socket each", "one socket for both"])
def test_sockets(same: bool) -> None:
    ours, theirs = socket.socketpair()
    back, away = (ours, theirs) if same else socket.socketpair()
    process = subprocess.Popen(SERVE, stdin=theirs, stdout=away, stderr=subprocess.DEVNULL)
    theirs.close()
    away.close()
    ours.sendall(wire(HELLO, READY, PING % 2))
    with back.makefile("rb") as lines:
        assert [json.loads(lines.readline())["id"] for _ in range(2)] == [1, 2]
        ours.shutdown(socket.SHUT_WR)
        assert lines.read() == b""
    assert process.wait(30) == 0
    ours.close()
    back.close()


@pytest.mark.long
def test_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(wire(HELLO, READY))
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as target:
        process = subprocess.Popen(SERVE, stdin=source, stdout=target, stderr=subprocess.DEVNULL)
        assert process.wait(60) == 0
    assert [json.loads(each)["id"] for each in (tmp_path / "out").read_text().splitlines()] == [1]


@pytest.mark.long
def test_nothing() -> None:
    done = subprocess.run(
        SERVE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_closed_ones_stop_the_start(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *SERVE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "both must be open" in done.stderr
    assert "Traceback" not in done.stderr


STRAY = """
import os, subprocess, sys
from mcp.server.lowlevel import Server
from texml_mcp.server.stdio import serve

async def list_tools(ctx, params):
    print("stray of Python")
    os.write(1, b"stray of C\\n")
    subprocess.run(["sh", "-c", "echo stray of a child; cat"], check=True)
    sys.stdout.flush()
    tool = {"name": repr(sys.stdin.read()), "inputSchema": {"type": "object"}}
    return {"resultType": "complete", "tools": [tool]}

flags = [os.get_blocking(0), os.get_blocking(1)]
serve(Server("stray", on_list_tools=list_tools), plain=sys.argv[1] == "plain")
assert [os.get_blocking(0), os.get_blocking(1)] == flags
os.write(1, b"after\\n")
"""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_is_printed_meanwhile_goes_to_stderr_and_what_reads_gets_nothing(transport: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STRAY, transport],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    tell(process, wire(HELLO, READY, request(2, "tools/list")))
    heard = hear(process, 2)
    out, err = process.communicate(timeout=30)
    assert [each["id"] for each in heard] == [1, 2]
    assert heard[1]["result"]["tools"][0]["name"] == "''"
    assert sorted(err.decode().splitlines()) == ["stray of C", "stray of Python", "stray of a child"]
    assert out == b"after\n"
    assert process.returncode == 0
