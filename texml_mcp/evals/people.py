"""The user, scripted: answers what is asked, approves or refuses, and knows when it is over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from texml_mcp.evals.matching import fits
from texml_mcp.evals.model import User

YES = "Yes, go ahead."
NO = "No. Do not do that."
NOTHING_MORE = "I have told you all I know. Do what your rules say."
MOST_EMPTY_ANSWERS = 2


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that waits for approval; `digest` tells it from others."""

    digest: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user says back. `ended` when there is nothing left to talk about."""

    text: str
    ended: bool = False
    approved: tuple[str, ...] = ()
    declined: tuple[str, ...] = ()


@dataclass(slots=True)
class ScriptedUser:
    """Goes by the task alone, never by chance: the same words bring the same answer."""

    spec: User
    names: Mapping[str, Any]
    _empty: int = field(default=0, init=False)

    def answers(self, text: str, pending: Sequence[Pending]) -> Turn:
        """The answer to what the agent said, with `pending` calls that it may be asking about."""
        approved: list[str] = []
        declined: list[str] = []
        said: list[str] = []
        for each in pending:
            yes, words = self.approves(each)
            (approved if yes else declined).append(each.digest)
            if words not in said:
                said.append(words)
        if known := next((each for each in self.spec.knows if _found(each.asked, text)), None):
            said.append(known.says)
        if said:
            return Turn(" ".join(said), approved=tuple(approved), declined=tuple(declined))
        if "?" in text and self._empty < MOST_EMPTY_ANSWERS:
            self._empty += 1
            return Turn(NOTHING_MORE)
        return Turn("", ended=True)

    def approves(self, call: Pending) -> tuple[bool, str]:
        """Whether this call may go ahead, and the words for it."""
        for each in self.spec.approves:
            if each.tool == call.tool and fits(each.where, call.arguments, self.names):
                return each.answer, each.says or (YES if each.answer else NO)
        return True, YES


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
