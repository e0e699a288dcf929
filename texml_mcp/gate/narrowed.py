"""A principal's own policy beside the server's: the stricter word counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from texml_mcp.catalog import Endpoint
from texml_mcp.gate.ruling import Judge, Ruling

LONGEST_CALL = 14_400
_ACTIONS = ("allow", "confirm", "deny")
_MODES = ("off", "token", "auto", "strict", "external")


class Narrowed(Judge):
    """A server's judge with a principal's own policy beside it: what either refuses is refused.

    Budgets of both are counted over the account, in one step.
    """

    def __init__(self, server: Judge, own: Judge) -> None:
        self.__dict__.update(vars(server))  # what it counts and remembers is the server's
        self._server, self._own = server, own

    @property
    def asked(self) -> tuple[Judge, ...]:
        return (self._server, self._own)

    @property
    def halted(self) -> str | None:
        return self._server.halted or self._own.halted

    def rule(self, known: Endpoint, wire: Mapping[str, Any]) -> Ruling:
        first = self._server.rule(known, wire)
        if first.action == "deny":
            return first
        second = self._own.rule(known, wire)
        strict, other = sorted((first, second), key=_strictness, reverse=True)
        if strict.action != "confirm" or other.action != "confirm":
            return strict
        found = tuple(dict.fromkeys((*strict.findings, *other.findings)))
        return replace(strict, findings=found)

    def fill(self, known: Endpoint, wire: Mapping[str, Any]) -> dict[str, Any]:
        filled = (each.fill(known, wire) for each in self.asked)
        return min(filled, key=lambda each: each.get("TimeLimit", LONGEST_CALL))

    def estimate(self, known: Endpoint, wire: Mapping[str, Any]) -> float:
        return max(each.estimate(known, wire) for each in self.asked)


def _strictness(ruling: Ruling) -> tuple[int, int]:
    return _ACTIONS.index(ruling.action), _MODES.index(ruling.mode)
