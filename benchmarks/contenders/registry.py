"""Who is compared: how each is started, and what each calls the same thing."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.answers import ACCOUNT
from benchmarks.wire.launch import Launch

HERE = Path(__file__).resolve().parent
OPENAPI = HERE.parents[1] / "tool_schemas" / "openapi.json"
NOWHERE = "http://127.0.0.1:9"
"""An upstream for those who are never asked to call."""

OURS, BARE = "texml-mcp", "bare mcp server"


@dataclass(frozen=True, slots=True)
class Contender:
    """One server. `lacks` says why a measurement has no row of it: `http`, `call`, `results`."""

    name: str
    lacks: Mapping[str, str] = field(default_factory=dict[str, str])

    def launch(self, url: str = NOWHERE, *, state: Path | None = None, http: bool = False) -> Launch:
        """The command that serves the upstream at `url`; `state` is a directory for what it keeps."""
        raise NotImplementedError

    def named(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """The same call in this server's words."""
        return tool, dict(arguments)


class Ours(Contender):
    def core(self) -> Launch:
        """With the toolset for placing and managing calls alone."""
        launch = self.launch()
        return Launch([*launch.command, "--toolsets", "core"], launch.environment)

    def launch(self, url: str = NOWHERE, *, state: Path | None = None, http: bool = False) -> Launch:
        command = [sys.executable, "-m", "texml_mcp", "serve", "--base-url", f"{url}/v2"]
        command += ["--account-sid", "acc", "--confirm", "token", "--policy", str(HERE / "policy.toml")]
        if state is not None:
            command += ["--state-dir", str(state)]
        if http:
            command += ["--http", "--port", "0", "--rate-per-minute", "0", "--concurrency", "256"]
        return Launch(command, {"TELNYX_API_KEY": "sandbox-bench"})


class Written(Contender):
    """A server in this folder, run by this Python."""

    def launch(self, url: str = NOWHERE, *, state: Path | None = None, http: bool = False) -> Launch:
        module = {BARE: "bare"}.get(self.name, "mcpserver")
        command = [sys.executable, "-m", f"benchmarks.contenders.{module}", *(["--http"] if http else [])]
        return Launch(command, {"BENCH_URL": url})


@dataclass(frozen=True, slots=True)
class FastMcp(Contender):
    python: str = ""

    def launch(self, url: str = NOWHERE, *, state: Path | None = None, http: bool = False) -> Launch:
        script = str(HERE / "fastmcp_openapi.py")
        return Launch([self.python, script, str(OPENAPI), url, *(["--http"] if http else [])])

    def named(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        return tool, {"account_sid": "acc", **arguments}


@dataclass(frozen=True, slots=True)
class Twilio(Contender):
    package: Path = Path()

    def launch(self, url: str = NOWHERE, *, state: Path | None = None, http: bool = False) -> Launch:
        # Where it sends its requests stands in its own document alone.
        document = self.package / "twilio-oai" / "spec" / "yaml" / "twilio_api_v2010.yaml"
        text = document.read_text()
        moved = re.sub(r"^( *servers:\n *- url: ).*$", rf"\g<1>{url}", text, flags=re.MULTILINE)
        if moved != text:
            document.write_text(moved)
        who = f"AC{'0' * 32}/SK{'0' * 32}:secret"
        return Launch(["node", str(self.package / "build" / "index.js"), who])

    def named(self, tool: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        verb, _, what = tool.partition("_")
        words = {"get": "Fetch", "list": "List", "create": "Create", "update": "Update"}
        noun = what.removeprefix("conference_").rstrip("s").capitalize()
        given = {self._key(key, noun, words[verb]): value for key, value in arguments.items()}
        if "Texml" in given:
            given["Twiml"] = given.pop("Texml")
        return f"TwilioApiV2010--{words[verb]}{noun}", given

    @staticmethod
    def _key(key: str, noun: str, verb: str) -> str:
        if not key.endswith("_sid"):
            return key
        own = key == f"{noun.lower()}_sid" and verb != "List"
        return "Sid" if own else "".join(part.capitalize() for part in key.split("_"))


@dataclass(frozen=True, slots=True)
class Telnyx(Contender):
    package: Path = Path()

    def launch(self, url: str = NOWHERE, *, state: Path | None = None, http: bool = False) -> Launch:
        environment = {"TELNYX_API_KEY": "bench", "TELNYX_BASE_URL": url}
        return Launch(["node", str(self.package / "index.js")], environment)


def built_in() -> list[Contender]:
    """Those that need nothing beyond this project's own environment."""
    return [Ours(OURS), Written(BARE), Written("MCPServer")]


__all__ = ["ACCOUNT", "BARE", "OURS", "Contender", "FastMcp", "Telnyx", "Twilio", "built_in"]
