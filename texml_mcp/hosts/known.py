"""The hosts that are known: what a server's entry looks like in each, and in which file it stands."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from texml_mcp.placeholders import ACCOUNT_PLACEHOLDER, KEY_PLACEHOLDER

Scope = Literal["user", "project"]

KEY, ACCOUNT = "TELNYX_API_KEY", "TELNYX_ACCOUNT_SID"


class NowhereError(Exception):
    """There is no such place on this machine; the text says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides where a host keeps its files: the system (as `sys.platform`) and some directories."""

    system: str
    home: Path
    here: Path
    environ: Mapping[str, str]

    @classmethod
    def this(cls) -> Machine:
        """Raises `NowhereError` where a directory is not to be had."""
        try:
            return cls(sys.platform, Path.home(), Path.cwd(), os.environ)
        except RuntimeError:
            raise NowhereError("this user has no home directory: set HOME") from None
        except OSError as error:
            raise NowhereError(f"the current directory cannot be used: {error.strerror}") from None

    @property
    def applications(self) -> Path:
        """Where programs with windows keep their settings."""
        if self.system == "darwin":
            return self.home / "Library" / "Application Support"
        if self.system == "win32":
            given = self.environ.get("APPDATA")
            return Path(given) if given else self.home / "AppData" / "Roaming"
        given = self.environ.get("XDG_CONFIG_HOME")
        return Path(given) if given else self.home / ".config"


@dataclass(frozen=True, slots=True)
class Host:
    """One program. `servers` is the name under which servers stand in its file.

    `key` and `account` are how its configuration refers to a value that is kept elsewhere; a host that
    cannot refer to anything gets placeholders. `asks_for` are questions that it asks its user for values.
    """

    id: str
    title: str
    servers: Literal["mcpServers", "servers"]
    in_applications: str | None
    in_home: str | None
    in_project: str | None
    key: str = KEY_PLACEHOLDER
    account: str = ACCOUNT_PLACEHOLDER
    asks_for: tuple[tuple[str, str], ...] = ()
    reads_comments: bool = False
    writes_itself: bool = False

    def file(self, scope: Scope, machine: Machine) -> Path | None:
        """The file of a scope; None when the host has no such scope."""
        if scope == "project":
            return machine.here / self.in_project if self.in_project else None
        if self.in_home:
            return machine.home / self.in_home
        return machine.applications / self.in_applications if self.in_applications else None

    def entry(
        self,
        command: Sequence[str],
        serve: Sequence[str] = (),
        *,
        sandbox: bool = False,
        account: str | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        """What stands in the file for one server. With `key` the key itself stands there."""
        made: dict[str, Any] = {"type": "stdio"} if self.servers == "servers" else {}
        made["command"] = command[0]
        made["args"] = [*command[1:], "serve", *(["--sandbox"] if sandbox else []), *serve]
        if not sandbox:
            made["env"] = {KEY: key or self.key, ACCOUNT: account or self.account}
        return made

    def inputs(self, entry: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The questions that the entry refers to, as the host's file holds them."""
        env: Any = entry.get("env")
        used = list(cast("dict[str, Any]", env).values()) if isinstance(env, dict) else []
        return [
            {
                "type": "promptString",
                "id": id,
                "description": description,
                **({"password": True} if id.endswith("key") else {}),
            }
            for id, description in self.asks_for
            if f"${{input:{id}}}" in used
        ]

    def block(self, name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
        """A whole file that holds this server alone."""
        asked = self.inputs(entry)
        return {**({"inputs": asked} if asked else {}), self.servers: {name: entry}}


CLAUDE_DESKTOP = Host(
    "claude-desktop",
    "Claude Desktop",
    "mcpServers",
    in_applications="Claude/claude_desktop_config.json",
    in_home=None,
    in_project=None,
)
CLAUDE_CODE = Host(
    "claude-code",
    "Claude Code",
    "mcpServers",
    in_applications=None,
    in_home=".claude.json",
    in_project=".mcp.json",
    key=f"${{{KEY}}}",
    account=f"${{{ACCOUNT}:-}}",
    writes_itself=True,  # its user file also holds its own state, and changes while it runs
)
CURSOR = Host(
    "cursor",
    "Cursor",
    "mcpServers",
    in_applications=None,
    in_home=".cursor/mcp.json",
    in_project=".cursor/mcp.json",
    key=f"${{env:{KEY}}}",
    account=f"${{env:{ACCOUNT}}}",
)
VSCODE = Host(
    "vscode",
    "VS Code",
    "servers",
    in_applications="Code/User/mcp.json",
    in_home=None,
    in_project=".vscode/mcp.json",
    key="${input:telnyx-api-key}",
    account="${input:telnyx-account-sid}",
    asks_for=(
        ("telnyx-api-key", "Telnyx API key"),
        ("telnyx-account-sid", "Telnyx account SID: the organization id that GET /v2/whoami answers"),
    ),
    reads_comments=True,
)
HOSTS = {host.id: host for host in (CLAUDE_DESKTOP, CLAUDE_CODE, CURSOR, VSCODE)}


def own_command() -> list[str]:
    """This installation's command with its whole path: a host's own PATH is often a bare one."""
    beside = Path(sys.executable).parent / ("texml-mcp.exe" if sys.platform == "win32" else "texml-mcp")
    return [str(beside)] if beside.is_file() else [sys.executable, "-m", "texml_mcp"]
