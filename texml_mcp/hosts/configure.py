"""A host's configuration with our server in it, or without it, as text to text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from texml_mcp.hosts.edit import CannotEdit, append, find, put, remove
from texml_mcp.hosts.jsonc import read
from texml_mcp.hosts.known import KEY, Host
from texml_mcp.placeholders import PLACEHOLDERS

_OURS = re.compile(r"texml[-_]mcp")


def is_ours(entry: Any) -> bool:
    """Whether an entry starts this program."""
    if not isinstance(entry, dict):
        return False
    held = cast("dict[str, Any]", entry)
    words = [held.get("command"), *(_list(held.get("args")))]
    return any(isinstance(word, str) and _OURS.search(word) for word in words)


def with_server(text: str, host: Host, name: str, entry: Mapping[str, Any], *, new_key: bool = False) -> str:
    """The configuration with the server in it. Of one that is there, what the entry does not say stays.

    Environment values that somebody filled in stay too; with `new_key` the key is replaced all the same.
    Raises `BrokenJSON`, or `CannotEdit` with what is in the way.
    """
    there = (host.servers, name)
    existing = None if not text.strip("\ufeff \t\r\n") else find(read(text), there)
    if existing is None:
        text = put(text, there, dict(entry))
    elif not is_ours(existing.value):
        raise CannotEdit(f'a server named "{name}" is there that is not texml-mcp; choose another --name')
    else:
        for field, value in entry.items():
            if field != "env":
                text = put(text, (*there, field), value)
        held = existing.value.get("env", {})
        for variable, value in entry.get("env", {}).items():
            filled = isinstance(held, dict) and cast("dict[str, Any]", held).get(variable) not in (
                None,
                "",
                *PLACEHOLDERS,
            )
            if not filled or (new_key and variable == KEY):
                text = put(text, (*there, "env", variable), value)
    for question in host.inputs(_entry(text, there)):
        if question["id"] not in [_id(each) for each in _inputs(text)]:
            text = append(text, ("inputs",), question)
    return text


def without_server(text: str, host: Host, name: str) -> str:
    """The configuration without the server, and without questions that nothing refers to any more."""
    there = (host.servers, name)
    existing = find(read(text), there)
    if existing is None:
        return text
    if not is_ours(existing.value):
        raise CannotEdit(f'the server named "{name}" is not texml-mcp, so it stays')
    text = remove(text, there)
    for id, _ in host.asks_for:
        # A copy of it that another server refers to is that server's.
        places = [at for at, each in enumerate(_inputs(text)) if _id(each) == id]
        if places and f"${{input:{id}}}" not in text:
            text = remove(text, ("inputs",), places[0])
    return text


def _entry(text: str, there: tuple[str, ...]) -> dict[str, Any]:
    node = find(read(text), there)
    return cast("dict[str, Any]", node.value) if node is not None else {}


def _inputs(text: str) -> list[Any]:
    node = find(read(text), ("inputs",))
    return _list(node.value) if node is not None else []


def _id(each: Any) -> Any:
    return cast("dict[str, Any]", each).get("id") if isinstance(each, dict) else None


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
