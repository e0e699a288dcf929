"""Several servers as an operator runs them: one telephone network, one Redis, and a proxy in front."""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
from mcp import Client
from mcp_types import CallToolResult, InputRequiredResult

from tests.e2e.conftest import YES, story
from tests.http.service import STARTS_WITHIN, Service, connected
from tests.replicas.proxy import Proxy
from texml_mcp.identity import Principal, editing
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION

_ADDRESS = re.compile(r"Control plane on (http://\S+)/_sandbox")
# The policy of somebody who may do nothing risky without another's yes.
EXTERNAL = 'version = 1\nmode = "external"\n'
_numbers, _databases = itertools.count(), itertools.count()


def new_key() -> str:
    """A seal key as `openssl rand -base64 32` prints it."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def new_call(**more: Any) -> dict[str, Any]:
    """Arguments of a `create_call` that no other test makes."""
    to = f"+1312555{100 + next(_numbers) % 40:04d}"
    return {"To": to, "From": "+13125550150", "ApplicationSid": MAIN_APPLICATION, **more}


class World:
    """The telephone network of one API key, seen from its control plane."""

    def __init__(self, url: str, key: str) -> None:
        self.key = key
        self._client = httpx.Client(base_url=f"{url}/_sandbox/worlds/{key}", trust_env=False, timeout=30)
        self._client.put("").raise_for_status()
        self._since = 0

    def sent(self, operation: str = "create_call") -> list[dict[str, Any]]:
        """The bodies of the writes of this kind that have reached the network since `forget`."""
        return [
            each["body"]
            for each in self._events()["entries"]
            if (each["event"], each["sid"]) == ("request", operation)
        ]

    def forget(self) -> None:
        """Count from now on, with no fault armed."""
        self._client.delete("/faults").raise_for_status()
        self._since = self._events()["next"]

    def fault(self, operation: str, kind: str, **more: Any) -> None:
        fault = {"operation": operation, "kind": kind, **more}
        self._client.post("/faults", json=fault).raise_for_status()

    async def wait_for(self, operation: str) -> None:
        """Until a write of this kind has arrived."""
        with anyio.fail_after(20):
            while not self.sent(operation):
                await anyio.sleep(0.05)

    async def struck(self) -> None:
        """Until a fault has struck."""
        with anyio.fail_after(20):
            while not any(each["event"] == "fault" for each in self._events()["entries"]):
                await anyio.sleep(0.05)

    def live_call(self) -> str:
        """The SID of a call that is going on."""
        calls = self._client.get("/state").raise_for_status().json()["calls"]
        return next(sid for sid, call in calls.items() if call["status"] == "in-progress")

    def _events(self) -> dict[str, Any]:
        answer = self._client.get("/events", params={"since": str(self._since)})
        return answer.raise_for_status().json()


class Network:
    """`texml-mcp sandbox serve` on a free port, in real time. Each API key is a network of its own."""

    def __init__(self, log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-u", "-m", "texml_mcp", "sandbox", "serve", "--port", "0"),
                    *("--control", "--clock", "real"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        until = time.monotonic() + STARTS_WITHIN
        while not (found := _ADDRESS.search(log.read_text())):
            assert self._process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        self.url = found[1]

    def world(self, name: str) -> World:
        return World(self.url, f"sandbox-{name}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Fleet:
    """Replicas that share a store, seal keys and a file of tokens; each has a state directory of its own.

    `people` are made with the role of an operator unless the name says otherwise: `pia:approver`.
    """

    def __init__(
        self,
        directory: Path,
        network: Network,
        store: str,
        *flags: str,
        count: int = 2,
        people: Sequence[str] = ("otto",),
        policies: dict[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        # A database of its own: the keys of one fleet do not open what another has sealed.
        self.store = f"{store.removesuffix('/0')}/{next(_databases) % 16}"
        self.world = network.world(directory.name)
        self.tokens: dict[str, str] = {}
        self._tokens_file = directory / "tokens.toml"
        self._flags = (*flags, "--tokens-file", str(self._tokens_file), "--store", self.store)
        self.keys = ",".join(keys) or new_key()
        self._base = f"{network.url}/v2"
        self._logs = itertools.count()
        for person in people:
            name, _, role = person.partition(":")
            self.add(name, role or "operator", (policies or {}).get(name))
        with ThreadPoolExecutor() as starting:
            self.replicas = list(starting.map(self.start, range(count)))

    def add(self, name: str, role: str, policy: str | None = None) -> None:
        """A token for somebody new, with a policy of their own."""
        file = None
        if policy is not None:
            file = self.directory / f"{name}.toml"
            file.write_text(policy)
        principal = Principal(name, role, (), None if file is None else str(file))  # type: ignore[arg-type]
        self.tokens[name] = editing.add(self._tokens_file, principal).token

    def start(self, number: int, *keys: str) -> Service:
        """A new server in the place of this number."""
        return Service(
            self.directory / f"server{number}-{next(self._logs)}.log",
            *self._flags,
            *("--state-dir", str(self.state_dir(number))),
            **self._environment(*keys),
        )

    def restart(self, number: int, *keys: str) -> None:
        """Stop the server of this number, and start it anew."""
        self.replicas[number].stop()
        self.replicas[number].kill()
        self.replicas[number] = self.start(number, *keys)

    def state_dir(self, number: int) -> Path:
        return self.directory / f"replica{number}"

    def _environment(self, *keys: str) -> dict[str, str]:
        return {
            "TELNYX_API_KEY": self.world.key,
            "TELNYX_ACCOUNT_SID": ACCOUNT_SID,
            "TEXML_MCP_BASE_URL": self._base,
            "TEXML_MCP_SEAL_KEYS": ",".join(keys) or self.keys,
        }

    def cli(self, *arguments: str, state_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
        """A command of an operator on a machine that has the store's address and the keys."""
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("TELNYX_", "TEXML_"))
        }
        environ |= {
            **self._environment(),
            "TEXML_MCP_STORE": self.store,
            "TEXML_MCP_STATE_DIR": str(state_dir or self.directory / "operator"),
            "COLUMNS": "200",
        }
        return subprocess.run(
            [sys.executable, "-m", "texml_mcp", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environ,
        )

    def proxy(self, *, checks: bool = False) -> Proxy:
        return Proxy([each.url for each in self.replicas], checks=checks)

    @contextlib.asynccontextmanager
    async def client(
        self, proxy: Proxy, who: str, era: str = "auto", **options: Any
    ) -> AsyncGenerator[Client]:
        """An official client of these servers, through the proxy."""
        async with connected(proxy.url, era, self.tokens[who], **options) as client:
            await client.list_tools()  # so that nothing but tool calls is sent when it matters
            yield client

    def close(self) -> None:
        for each in self.replicas:
            each.kill()


async def told(client: Client, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a call answers."""
    return story(await client.call_tool(tool, arguments, **more))


async def together(client: Client, tool: str, each: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What many calls answer that are made at the same moment, in no order."""
    answers: list[dict[str, Any]] = []

    async def call(arguments: dict[str, Any]) -> None:
        answers.append(await told(client, tool, arguments))

    async with anyio.create_task_group() as group:
        for arguments in each:
            group.start_soon(call, arguments)
    return answers


async def asked_by_form(client: Client, arguments: dict[str, Any], tool: str = "create_call") -> str:
    """The sealed state of a question that the client holds on to."""
    asked = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(asked, InputRequiredResult)
    assert asked.request_state
    return asked.request_state


async def answered(
    client: Client, arguments: dict[str, Any], state: str, tool: str = "create_call"
) -> dict[str, Any]:
    """The same call once more, with a yes and the state of its question."""
    result = await client.session.call_tool(
        tool,
        arguments,
        input_responses={"confirm": YES},
        request_state=state,
        allow_input_required=True,
    )
    assert isinstance(result, CallToolResult)
    return story(result)
