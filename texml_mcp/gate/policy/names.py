"""The names a policy may use: tools, toolsets and risks, each checked against the catalogue.

A misspelt name in a policy is a rule that protects nothing, so none gets past loading.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr, WithJsonSchema

from texml_mcp.catalog import ENDPOINTS, TOOLSETS, RiskClass
from texml_mcp.gate.policy.errors import unknown
from texml_mcp.text import has_unsafe

TOOLS: tuple[str, ...] = tuple(each.id for each in ENDPOINTS)
READS = frozenset(each.id for each in ENDPOINTS if each.reads)
RISKS: tuple[str, ...] = tuple(risk.value for risk in RiskClass)


def _one_of(what: str, valid: Iterable[str]) -> tuple[AfterValidator, WithJsonSchema]:
    choices = tuple(valid)

    def check(name: str) -> str:
        if name not in choices:
            raise ValueError(unknown(what, name, choices))
        return name

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(choices)})


def _plain(text: str) -> str:
    # The reason is read by people and models: it must not hide or reorder anything.
    if has_unsafe(text) or "\n" in text:
        raise ValueError("one line of plain text is wanted, without control or invisible characters")
    return text


ToolName = Annotated[StrictStr, *_one_of("tool", TOOLS)]
ToolsetName = Annotated[StrictStr, *_one_of("toolset", TOOLSETS)]
RiskName = Annotated[StrictStr, *_one_of("risk", RISKS)]
PlainName = Annotated[StrictStr, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,59}$")]
Reason = Annotated[StrictStr, Field(min_length=1, max_length=300), AfterValidator(_plain)]
