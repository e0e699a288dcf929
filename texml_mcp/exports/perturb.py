"""The same tools in disguise, for studies of what a model goes by: other names, scrambled words, neighbours.

Everything derives from the seed and the name it replaces, so that a tool is called the same in every
toolset, on every machine. `disguise.py` reads the map that is made here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from texml_mcp.exports.distractors import MOST, distractors
from texml_mcp.exports.wording import Json

MAP_FORMAT = "texml-mcp/disguise-1"
# Argument names that are no English words, though they are written like one.
_UNMISTAKABLE = frozenset(("Url", "Texml"))


@dataclass(frozen=True, slots=True)
class Perturbation:
    """What is disguised: `distractors` is how many tools that exist nowhere are put among the others."""

    seed: int = 0
    names: bool = False
    descriptions: bool = False
    arguments: bool = False
    distractors: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.distractors <= MOST:
            raise ValueError(f"There are {MOST} distractors; {self.distractors} cannot be had.")


def perturb(tools: Sequence[Json], how: Perturbation) -> tuple[list[Json], Json]:
    """The disguised tools, and the map that translates calls of them."""
    chosen = sorted(distractors(), key=lambda tool: _digest(how.seed, "choose", tool["name"]))
    everything = _mixed(tools, chosen[: how.distractors], how.seed)
    real = {tool["name"] for tool in tools}
    names = _renamed("fn", (tool["name"] for tool in everything), how.seed) if how.names else {}
    arguments = (
        _renamed("arg", (key for tool in everything for key in _properties(tool)), how.seed)
        if how.arguments
        else {}
    )
    entries: Json = {}
    for tool in everything:
        name: str = tool["name"]
        entries[names.get(name, name)] = {
            "tool": name if name in real else None,
            "arguments": {arguments.get(key, key): key for key in _properties(tool)},
        }
    disguised = [_disguised(tool, how, names, arguments) for tool in everything]
    return disguised, {"format": MAP_FORMAT, "seed": how.seed, "tools": entries}


def _disguised(tool: Json, how: Perturbation, names: Mapping[str, str], arguments: Mapping[str, str]) -> Json:
    def said(text: str) -> str:
        text = _mentions(text, names, arguments)
        return _scrambled(text, how.seed) if how.descriptions else text

    name: str = tool["name"]
    schema: Json = tool["inputSchema"]
    keys = list(schema["properties"])
    if how.arguments:
        keys.sort(key=lambda key: _digest(how.seed, "order", key))
    properties: Json = {}
    for key in keys:
        each: Json = dict(schema["properties"][key])
        if "description" in each:
            each["description"] = said(each["description"])
        properties[arguments.get(key, key)] = each
    changed: Json = {
        **tool,
        "name": names.get(name, name),
        # A title says what a name says.
        "title": names.get(name) or said(tool["title"]),
        "description": said(tool["description"]),
        "inputSchema": {**schema, "properties": properties},
    }
    if "required" in schema:
        changed["inputSchema"]["required"] = [arguments.get(key, key) for key in schema["required"]]
    return changed


def _properties(tool: Json) -> list[str]:
    return list(tool["inputSchema"]["properties"])


def _mentions(text: str, names: Mapping[str, str], arguments: Mapping[str, str]) -> str:
    """The text with the names it mentions as they are now; `To` and `value` may be plain English and stay."""

    def renamed(match: re.Match[str]) -> str:
        word = match[0]
        if word in names:
            return names[word]
        unmistakable = "_" in word or re.search(r"[a-z][A-Z]", word) or word in _UNMISTAKABLE
        assigned = text[match.end() : match.end() + 1] == "="
        return arguments.get(word, word) if unmistakable or assigned else word

    return re.sub(r"\w+", renamed, text)


def _scrambled(text: str, seed: int) -> str:
    """The same words in another order, if there is one."""
    words = text.split()
    order = sorted(
        range(len(words)), key=lambda place: _digest(seed, "word", f"{place} {words[place]} {text}")
    )
    shuffled = [words[place] for place in order]
    if shuffled == words:
        shuffled = [*words[1:], *words[:1]]
    return " ".join(shuffled)


def _mixed(tools: Sequence[Json], others: Sequence[Json], seed: int) -> list[Json]:
    """The tools in their order, with the others at places among them."""
    mixed = list(tools)
    for other in others:
        mixed.insert(int(_digest(seed, "place", other["name"])[:8], 16) % (len(mixed) + 1), other)
    return mixed


def _renamed(prefix: str, originals: Iterable[str], seed: int) -> dict[str, str]:
    """A name of its own for each original, which says nothing."""
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    for original in sorted(set(originals)):
        code = base64.b32encode(bytes.fromhex(_digest(seed, prefix, original))).decode().lower()
        length = 6
        while (name := f"{prefix}_{code[:length]}") in taken:
            length += 1
        taken.add(name)
        renamed[original] = name
    return renamed


def _digest(seed: int, purpose: str, text: str) -> str:
    return hashlib.sha256(f"{seed}\n{purpose}\n{text}".encode()).hexdigest()
