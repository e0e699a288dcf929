"""The hosts that start this server: whether they can, and whether a key lies open in their files."""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any, cast

from texml_mcp.doctor.model import Finding, Findings, ok, problem, skipped, warning
from texml_mcp.hosts.configure import is_ours
from texml_mcp.hosts.files import HostFileError, load
from texml_mcp.hosts.jsonc import BrokenJSON, Document, read
from texml_mcp.hosts.known import ACCOUNT, HOSTS, KEY, Host, Machine, NowhereError, Scope
from texml_mcp.placeholders import PLACEHOLDERS
from texml_mcp.text import clean

_MENTION = re.compile(r"texml[-_]mcp")
_KEY_IN_WORDS = re.compile(r"TELNYX_API_KEY=|(?:^|[=\s])KEY[0-9A-Za-z]{8,}")
_SCOPES: tuple[Scope, ...] = ("user", "project")


def check_hosts(given: Machine | None = None) -> Findings:
    """A finding for each file of a known host that names this server; `given` stands in for this machine."""
    try:
        machine = given or Machine.this()
    except NowhereError as error:
        yield skipped("host", f"The files of hosts were not looked for: {error}.")
        return
    seen: set[Path] = set()
    found = False
    for host in HOSTS.values():
        for scope in _SCOPES:
            path = host.file(scope, machine)
            if path is None or path in seen:
                continue
            seen.add(path)
            for each in _file(host, scope, path):
                found = True
                yield each
    if not found:
        yield skipped("host", "No known host has this server. texml-mcp install puts it in.")


def _file(host: Host, scope: Scope, path: Path) -> Findings:
    name = f"host {host.title}"
    try:
        text = load(path)
        if text is None or not _MENTION.search(text):
            return
        document = read(text)
    except HostFileError as error:
        yield warning(name, f"{error}.")
        return
    except BrokenJSON as error:
        yield problem(name, f"{path} is not valid JSON, {error}. {host.title} starts none of its servers.")
        return
    if not document.strict and not host.reads_comments:
        yield warning(name, f"{path} has comments or trailing commas, which {host.title} may not read.")
    for server, entry in _servers(document, host):
        yield _entry(host, scope, path, server, entry)


def _servers(document: Document, host: Host) -> list[tuple[str, dict[str, Any]]]:
    """Our entries: for all of the user's work, and those that Claude Code keeps for one directory each."""
    root = _object(document.root.value)
    places = [root, *(_object(each) for each in _object(root.get("projects")).values())]
    return [
        (server, _object(entry))
        for place in places
        for server, entry in _object(place.get(host.servers)).items()
        if is_ours(entry)
    ]


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _entry(host: Host, scope: Scope, path: Path, server: str, entry: dict[str, Any]) -> Finding:
    name, where = f"host {host.title}", f'"{clean(server, 40)}" in {path}'
    command, args, env = entry.get("command"), entry.get("args", []), entry.get("env", {})
    if not isinstance(command, str) or not isinstance(args, list) or not isinstance(env, dict):
        return problem(
            name, f"{where} is not an entry that can be started. texml-mcp install writes a right one."
        )
    words = [command, *(each for each in cast("list[Any]", args) if isinstance(each, str))]
    if any(_KEY_IN_WORDS.search(word) for word in words):
        return problem(
            name, f"{where} has a key on its command line, which every process list shows. Put it in env."
        )
    if (lacking := _not_startable(command)) is not None:
        return problem(name, f"{where} names a command that {lacking}. Run texml-mcp install again.")
    held = cast("dict[str, Any]", env)
    key: Any = held.get(KEY)
    on_sandbox = "--sandbox" in words or str(held.get("TEXML_MCP_SANDBOX")).lower() in ("1", "true")
    for variable in () if on_sandbox else (KEY, ACCOUNT):
        if str(held.get(variable)) in PLACEHOLDERS:
            return warning(name, f"{where} has a placeholder in place of {variable}. Put the value in.")
    if isinstance(key, str) and key and not key.startswith("${"):
        if scope == "project":
            return warning(
                name, f"{where} holds the key itself, in a file that projects share. Refer to it instead."
            )
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            return problem(name, f"{where} holds the key, and others can read the file: chmod 600 it.")
    on = "on the sandbox" if on_sandbox else "on the live API"
    if "/" not in command and "\\" not in command:
        return ok(name, f"{where} can be started {on}, if {host.title} has the same PATH.")
    return ok(name, f"{where} can be started {on}.")


def _not_startable(command: str) -> str | None:
    """What is wrong with a command; None when it is there. References are the host's to resolve."""
    if "${" in command:
        return None
    if Path(command).is_absolute():
        if not Path(command).is_file():
            return "is not there"
        return None if os.access(command, os.X_OK) else "may not be run"
    return None if shutil.which(command) else "is not on the PATH"
