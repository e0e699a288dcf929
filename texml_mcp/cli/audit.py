"""`texml-mcp audit`: the newest lines of the trail, whether it is whole, and all of it for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import typer

from texml_mcp.cli.output import nothing_in, print_json, wrong_use
from texml_mcp.gate import audit
from texml_mcp.gate.store import StoreError
from texml_mcp.gate.store.digests import Digester, load_key

OK, BROKEN = 0, 1


def tail(path: Path, *, lines: int = 20, as_json: bool = False) -> int:
    """Print the newest lines: one sentence each, or as they stand in the file."""
    try:
        found = audit.tail(path, lines)
    except OSError as error:
        return wrong_use(_unread(path, error))
    for line in found:
        typer.echo(json.dumps(line, ensure_ascii=False) if as_json else _sentence(line))
    return OK


def verify(
    path: Path,
    *,
    key: Path | None = None,
    shared: Callable[[], Digester] | None = None,
    as_json: bool = False,
) -> int:
    """0 when the trail is whole, 1 with the first bad line when it is not.

    The digest key is in a file, or `shared` reads it from the store of several servers.
    """
    try:
        own = load_key(key) if key is not None and key.exists() else None
        digester = shared() if shared is not None else own
        verdict = audit.verify(path, digester)
    except OSError as error:
        return wrong_use(_unread(path, error))
    except StoreError as error:
        return wrong_use(f"{path} cannot be checked: {error}")
    if as_json:
        print_json(asdict(verdict) | {"file": str(path), "signature_checked": digester is not None})
        return OK if verdict.ok else BROKEN
    torn = f", {verdict.torn} cut by a killed process" if verdict.torn else ""
    if verdict.ok:
        signed = "" if digester else " The head's signature was not checked: no key was given."
        typer.echo(f"{path} is whole: {verdict.lines} lines{torn}.{signed}")
        return OK
    typer.echo(f"{path} is broken at line {verdict.first_bad_line}: {verdict.why}.", err=True)
    return BROKEN


def export(path: Path, *, format: Literal["json", "csv"] = "json") -> int:
    """Print every line as one JSON array, or as CSV."""
    try:
        for piece in audit.export(path, format):
            typer.echo(piece, nl=False)
    except OSError as error:
        return wrong_use(_unread(path, error))
    return OK


def _sentence(line: dict[str, Any]) -> str:
    names = ("event", "tool", "subject", "decision", "rule", "outcome", "principal", "why")
    said = " ".join(str(line[name]) for name in names if line.get(name))
    return f"{line.get('seq')} {line.get('at')} {said}"


def _unread(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no audit trail. {nothing_in(path.parent)}"
    return f"{path} cannot be read: {error.strerror}"
