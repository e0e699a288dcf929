"""Putting one value into a JSON text, and taking one out, with every other character left as it was."""

from __future__ import annotations

import json
import re
from typing import Any

from texml_mcp.hosts.jsonc import Document, Item, Node, read

_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_DEFAULT_INDENT = "  "
_BLANK = " \t"


class CannotEdit(ValueError):
    """The text is JSON, but what must be changed has another form; the text says where."""


def put(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with `value` at the names of `path`; objects on the way are made when they are not there.

    An empty text is an empty object. Raises `BrokenJSON`, or `CannotEdit` when something on the way is no
    object or stands there twice.
    """
    document = read(text if text.strip("\ufeff \t\r\n") else text.strip(" \t\r\n") + "{}\n")
    node = document.root
    for depth, name in enumerate(path):
        _check_object(node, path[:depth], name)
        found = node.named(name)
        if found is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _insert(document, node, value, name)
        node = found.node
    if _same(node.value, value):
        return text
    return _replaced(document, node, value)


def append(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with one more element in the array at `path`, which is made when it is not there."""
    document = read(text)
    node = find(document, path)
    if node is None:
        return put(text, path, [value])
    if not isinstance(node.value, list):
        raise CannotEdit(f"{_place(path)} is not a list")
    return _insert(document, node, value, None)


def remove(text: str, path: tuple[str, ...], element: int | None = None) -> str:
    """The text without the member at `path`, or without one element of the array there.

    What is not there is no error. Comments beside it stay.
    """
    document = read(text)
    parent = find(document, path if element is not None else path[:-1])
    if parent is None:
        return text
    if element is None:
        if isinstance(parent.value, dict):
            _check_object(parent, path[:-1], path[-1])
        item = parent.named(path[-1])
    else:
        item = parent.items[element] if element < len(parent.items) else None
    return text if item is None else _without(document, parent, item)


def find(document: Document, path: tuple[str, ...]) -> Node | None:
    """The value at the names of `path`."""
    node = document.root
    for name in path:
        found = node.named(name)
        if found is None:
            return None
        node = found.node
    return node


def _check_object(node: Node, path: tuple[str, ...], name: str) -> None:
    if not isinstance(node.value, dict):
        raise CannotEdit(f"{_place(path)} is not an object")
    if node.count(name) > 1:
        raise CannotEdit(f"{_place((*path, name))} is there twice")


def _place(path: tuple[str, ...]) -> str:
    return ".".join(path) if path else "the file"


def _insert(document: Document, parent: Node, value: Any, name: str | None) -> str:
    text = document.text
    end = parent.end - 1
    while text[end - 1] in " \t\r\n":  # up to the last value or comment
        end -= 1
    end = max([end, *(stop for _, stop in document.comments if stop <= parent.end and stop > end)])
    lead = "" if name is None else f"{json.dumps(name, ensure_ascii=False)}: "
    flat = "\n" not in text[parent.start : parent.end]
    if flat and parent.items:
        made = lead + json.dumps(value, ensure_ascii=False)
        separator = " "
        closing = text[end : parent.end - 1]
    else:
        newline = "\r\n" if "\r\n" in text else "\n"
        outer = _indent_at(text, parent.start)
        unit = _unit(text)
        inner = outer + unit
        if parent.items and (own := _own_line(text, parent.items[-1].start)) is not None:
            inner = own
        made = lead + _pretty(value, unit, inner, newline)
        separator = newline + inner
        closing = text[end : parent.end - 1] if "\n" in text[end : parent.end - 1] else newline + outer
    last = parent.items[-1] if parent.items else None
    if last is not None and last.comma is None:
        # Right behind the value: a comment that follows it stays with it.
        before = text[: last.node.end] + "," + text[last.node.end : end]
    else:
        before = text[:end]
        made += "," if last is not None else ""  # whoever ends lists with a comma goes on doing so
    return before + separator + made + closing + text[parent.end - 1 :]


def _replaced(document: Document, node: Node, value: Any) -> str:
    text = document.text
    was_flat = bool(node.items) and "\n" not in text[node.start : node.end]
    newline = "\r\n" if "\r\n" in text else "\n"
    made = (
        json.dumps(value, ensure_ascii=False)
        if was_flat
        else _pretty(value, _unit(text), _indent_at(text, node.start), newline)
    )
    return text[: node.start] + made + text[node.end :]


def _without(document: Document, parent: Node, item: Item) -> str:
    text = document.text
    cuts = [(item.start, item.node.end)]
    if item.comma is not None:
        cuts.append((item.comma, item.comma + 1))
    elif earlier := [each for each in parent.items if each.start < item.start]:
        comma = earlier[-1].comma
        assert comma is not None, "two items without a comma between them cannot be read"
        cuts.insert(0, (comma, comma + 1))
    if len(cuts) == 2 and not text[cuts[0][1] : cuts[1][0]].strip():
        cuts = [(cuts[0][0], cuts[1][1])]
    for start, end in reversed(cuts):
        text = _cut(text, start, end)
    return text


def _cut(text: str, start: int, end: int) -> str:
    """The text without a range, and without the line that it leaves blank."""
    left, right = start, end
    while left > 0 and text[left - 1] in _BLANK:
        left -= 1
    while right < len(text) and text[right] in _BLANK:
        right += 1
    if left > 0 and text[left - 1] == "\n" and text.startswith(("\n", "\r\n"), right):
        return text[:left] + text[text.index("\n", right) + 1 :]
    keep_blank = text[start - 1] not in _BLANK + "{["
    return text[:start] + text[end if keep_blank else right :]


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: in Python 1 equals true."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _pretty(value: Any, unit: str, inner: str, newline: str) -> str:
    lines = json.dumps(value, ensure_ascii=False, indent=unit).split("\n")
    return (newline + inner).join(lines)


def _indent_at(text: str, at: int) -> str:
    line = text.rfind("\n", 0, at) + 1
    rest = text[line:at].lstrip("\ufeff")
    return rest[: len(rest) - len(rest.lstrip(_BLANK))]


def _own_line(text: str, at: int) -> str | None:
    """The indentation before `at`, when nothing else stands before it on its line."""
    line = text.rfind("\n", 0, at) + 1
    return text[line:at] if line and not text[line:at].strip(_BLANK) else None


def _unit(text: str) -> str:
    found = [match[1] for match in _INDENT.finditer(text)]
    return min(found, key=len) if found else _DEFAULT_INDENT
