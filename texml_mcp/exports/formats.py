"""The formats by name: how each is made, and what its provider refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from texml_mcp.exports import anthropic, bfcl, gemini, mcp, openai, openai_strict
from texml_mcp.exports.rules import anthropic as anthropic_rules
from texml_mcp.exports.rules import bfcl as bfcl_rules
from texml_mcp.exports.rules import gemini as gemini_rules
from texml_mcp.exports.rules import mcp as mcp_rules
from texml_mcp.exports.rules import openai as openai_rules
from texml_mcp.exports.rules import openai_strict as openai_strict_rules
from texml_mcp.exports.wording import Json


@dataclass(frozen=True, slots=True)
class Format:
    """A provider's format: `convert` makes it, `problems` says what its provider would refuse."""

    convert: Callable[[Sequence[Json]], Any]
    problems: Callable[[Any], list[str]]


FORMATS: dict[str, Format] = {
    "mcp": Format(mcp.convert, mcp_rules.problems),
    "openai": Format(openai.convert, openai_rules.problems),
    "openai-strict": Format(openai_strict.convert, openai_strict_rules.problems),
    "anthropic": Format(anthropic.convert, anthropic_rules.problems),
    "gemini": Format(gemini.convert, gemini_rules.problems),
    "bfcl": Format(bfcl.convert, bfcl_rules.problems),
}


class RefusedExportError(Exception):
    """An export that its provider would refuse; the text says where and why."""


def export(name: str, tools: Sequence[Json]) -> Any:
    """MCP tool definitions in this format. Raises `RefusedExportError` if its provider would refuse them."""
    made = FORMATS[name].convert(tools)
    if found := FORMATS[name].problems(made):
        raise RefusedExportError(f"{name} refuses these tools: {'; '.join(found[:5])}")
    return made
