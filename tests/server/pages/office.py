"""An office to try the pages in: real tokens, a real queue, a sandbox, and the pages on a loopback port."""

from __future__ import annotations

import base64
import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import httpx
import uvicorn
from starlette.applications import Starlette

from texml_mcp.call import Call, Services
from texml_mcp.execute import execute
from texml_mcp.gate.external import Queue, Waiting
from texml_mcp.gate.seal import Seals
from texml_mcp.gate.state import State
from texml_mcp.identity import Principal
from texml_mcp.identity import editing as tokens
from texml_mcp.identity.tokens import TokenFile
from texml_mcp.identity.verify import Identities
from texml_mcp.results import ToolResult
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION
from texml_mcp.server.pages import Desk, page_routes
from texml_mcp.server.reach import Reach
from texml_mcp.server.services import build_services
from texml_mcp.settings import load

KEY, OLD_KEY = secrets.token_bytes(32), secrets.token_bytes(32)
ELSEWHERE = "00000000-0000-4000-8000-000000000001"
CALL = {"To": "+13125550142", "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION}
TEAM = (
    Principal("ada", "admin"),
    Principal("bob", "approver"),
    Principal("cleo", "approver"),
    Principal("otto", "operator"),
    Principal("vera", "viewer"),
    Principal("elsewhere", "approver", accounts=(ELSEWHERE,)),
    Principal("both", "approver", accounts=(ELSEWHERE, ACCOUNT_SID)),
    Principal("assistant", "operator"),
)


@cache
def _team() -> tuple[dict[str, str], bytes]:
    """The tokens of the team by name, and their file. Made once: each is written to the disk for good."""
    with TemporaryDirectory() as where:
        file = Path(where) / "tokens.toml"
        return {each.name: tokens.add(file, each).token for each in TEAM}, file.read_bytes()


class Office:
    """One server's pages, and the people who use them. `url` is set while it listens."""

    def __init__(
        self,
        where: Path,
        *,
        public_url: str = "",
        keys: tuple[bytes, ...] = (KEY,),
        store: str | None = None,
        state_dir: str = "state",
    ) -> None:
        self.where = where
        self.tokens_file = where / "tokens.toml"
        if not self.tokens_file.exists():
            self.token, content = _team()
            self.tokens_file.touch(0o600)
            self.tokens_file.write_bytes(content)
        self.state = State(where / state_dir, store, Seals((KEY,)))
        self.queue = Queue(self.state)
        seal_keys = base64.b64encode(KEY).decode()
        self.services = build_services(
            load(
                sandbox=True,
                confirm="external",
                state_dir=where / state_dir,
                store=store,
                seal_keys=seal_keys,
            )
        )
        self.reach = Reach(self.services)
        self.identities = Identities(tokens=TokenFile(self.tokens_file))
        self.desk = Desk(self._authenticate, self._services_for, self.queue, keys, public_url)
        self.url = ""

    async def _authenticate(self, token: str) -> Principal | None:
        proved = await self.identities.verify(token)
        return None if proved is None else proved.principal

    def _services_for(self, principal: Principal) -> Services:
        return self.reach.of_principal(principal)

    @contextmanager
    def open(self) -> Iterator[Office]:
        """The pages on a real port while the block runs. They close by themselves, some moments after it."""
        app = Starlette(routes=page_routes(self.desk))
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive(), "the pages did not start"
            thread.join(0.01)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = True

    def ask(self, tool: str = "create_call", by: str = "assistant", **arguments: Any) -> Waiting:
        """A call that needs somebody's yes, made through the pipeline; the request that waits now."""
        result = self.do(tool, by, **arguments)
        assert result.status == "approval_pending", result.summary
        return next(each for each in self.queue.listed() if each.id in result.summary)

    def do(self, tool: str = "create_call", by: str = "assistant", **arguments: Any) -> ToolResult:
        """One call through the pipeline."""
        given = arguments or dict(CALL)
        services = replace(self.services, principal=by)
        result = anyio.run(execute, services, Call(tool, given, principal=by))
        assert isinstance(result, ToolResult)
        return result

    def browser(self) -> Browser:
        return Browser(self.url)

    def signed_in(self, name: str) -> Browser:
        browser = self.browser()
        assert browser.sign_in(self.token[name]).status_code == 303, name
        return browser


class Browser(httpx.Client):
    """What a browser sends, without a browser: cookies, and an Origin with each form."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, timeout=10)
        self.origin = url

    def sign_in(self, token: str, **more: str) -> httpx.Response:
        return self.submit("/sign-in", {"token": token, **more})

    def submit(
        self, path: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        sent = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        return self.post(path, data=dict(fields), headers={name: v for name, v in sent.items() if v})

    def csrf(self) -> str:
        """The token in the forms of this session."""
        page = self.get("/board").text
        found = re.search(r'name="csrf" value="([^"]+)"', page)
        assert found, page
        return found[1]

    def answer(self, id: str, decision: str, reason: str = "", **more: str) -> httpx.Response:
        fields = {"csrf": self.csrf(), "decision": decision, "reason": reason, **more}
        return self.submit(f"/approvals/{id}", fields)


def words(response: httpx.Response | str) -> str:
    """The text of a page, as it is read."""
    page = response if isinstance(response, str) else response.text
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", bare))).strip()


__all__ = ["ACCOUNT_SID", "CALL", "ELSEWHERE", "KEY", "OLD_KEY", "Browser", "Office", "words"]
