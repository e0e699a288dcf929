"""JSON as hosts read it, with comments and trailing commas, and where in the text every value stands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, cast

MOST_LEVELS = 200

_SPACE = re.compile(r"[ \t\r\n]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])", re.ASCII)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_LONGEST_INTEGER = 300  # longer ones become floats: Python refuses to read those of thousands of digits


class BrokenJSON(ValueError):
    """The text is not JSON, not even with comments; `line` counts from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place: the text of it is `text[start:end]`. `items` are those of an object or array."""

    start: int
    end: int
    value: Any
    items: tuple[Item, ...] = ()

    def named(self, key: str) -> Item | None:
        """The member with this name; the last one, which is the one that counts."""
        return next((each for each in reversed(self.items) if each.key == key), None)

    def count(self, key: str) -> int:
        return sum(each.key == key for each in self.items)


@dataclass(frozen=True, slots=True)
class Item:
    """A member of an object, or an element of an array (then `key` is None).

    `start` is where its name or value begins, `comma` where the comma after it is.
    """

    start: int
    key: str | None
    node: Node
    comma: int | None


@dataclass(slots=True)
class Document:
    """A text that was read: its root, and whether only a reader that allows comments can read it."""

    text: str
    root: Node
    comments: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    trailing_commas: bool = False

    @property
    def strict(self) -> bool:
        return not self.comments and not self.trailing_commas


def read(text: str) -> Document:
    """Read a text. Raises `BrokenJSON`."""
    reader = _Reader(text)
    start = reader.skip(1 if text.startswith("\ufeff") else 0)
    root = reader.value(start, 0)
    end = reader.skip(root.end)
    if end != len(text):
        raise reader.broken(end, "something follows the end of the JSON")
    return Document(text, root, reader.comments, reader.trailing_commas)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.comments: list[tuple[int, int]] = []
        self.trailing_commas = False

    def broken(self, at: int, why: str) -> BrokenJSON:
        return BrokenJSON(self.text.count("\n", 0, at) + 1, why)

    def skip(self, at: int) -> int:
        """Past white space and comments."""
        while True:
            if space := _SPACE.match(self.text, at):
                at = space.end()
            if self.text.startswith("//", at):
                end = self.text.find("\n", at)
                end = len(self.text) if end < 0 else end - (self.text[end - 1] == "\r")
            elif self.text.startswith("/*", at):
                end = self.text.find("*/", at + 2) + 2
                if end < 2:
                    raise self.broken(at, "a comment does not end")
            else:
                return at
            self.comments.append((at, end))
            at = end

    def value(self, at: int, level: int) -> Node:
        if level > MOST_LEVELS:
            raise self.broken(at, f"more than {MOST_LEVELS} levels")
        match self.text[at : at + 1]:
            case "{" | "[":
                return self._items(at, level)
            case '"':
                text, end = self._string(at)
                return Node(at, end, text)
            case "":
                raise self.broken(at, "the text ends where a value must be")
            case _:
                return self._scalar(at)

    def _items(self, at: int, level: int) -> Node:
        is_object = self.text[at] == "{"
        close = "}" if is_object else "]"
        items: list[Item] = []
        start, here = at, self.skip(at + 1)
        while self.text[here : here + 1] != close:
            if items and items[-1].comma is None:
                raise self.broken(here, f"a comma or {close} must be here")
            begin, key = here, None
            if is_object:
                if self.text[here : here + 1] != '"':
                    raise self.broken(here, f"a name in double quotes or {close} must be here")
                key, here = self._string(here)
                here = self.skip(here)
                if self.text[here : here + 1] != ":":
                    raise self.broken(here, "a colon must be here")
                here = self.skip(here + 1)
            node = self.value(here, level + 1)
            here, comma = self.skip(node.end), None
            if self.text[here : here + 1] == ",":
                comma, here = here, self.skip(here + 1)
            items.append(Item(begin, key, node, comma))
        self.trailing_commas |= bool(items) and items[-1].comma is not None
        value: Any = (
            {cast("str", each.key): each.node.value for each in items}
            if is_object
            else [each.node.value for each in items]
        )
        return Node(start, here + 1, value, tuple(items))

    def _string(self, at: int) -> tuple[str, int]:
        found = _STRING.match(self.text, at)
        if found is None:
            raise self.broken(at, "a text in quotes does not end on its line")
        try:
            return json.loads(found[0]), found.end()
        except ValueError:
            raise self.broken(at, "a text in quotes holds a backslash that means nothing") from None

    def _scalar(self, at: int) -> Node:
        if number := _NUMBER.match(self.text, at):
            digits = number[0]
            whole = digits.lstrip("-").isdigit() and len(digits) <= _LONGEST_INTEGER
            return Node(at, number.end(), int(digits) if whole else float(digits))
        for word, value in _WORDS.items():
            if self.text.startswith(word, at):
                return Node(at, at + len(word), value)
        raise self.broken(at, "a value must be here")
