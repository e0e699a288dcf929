"""The user, scripted: answers what is asked, approves or refuses, and knows when it is over."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from texml_mcp.evals.matching import Happened, fits, places
from texml_mcp.evals.model import Known, User

YES = "Yes, go ahead."
NO = "No. Do not do that."
GO_ON = "Please go on."
NOTHING_MORE = "I have told you all I know. Do what your rules say."
MOST_EMPTY_ANSWERS = 2
LONGEST_HEARD = 20_000  # nobody reads more than that of one message
# Words in which a yes is asked for. "One moment" is none of them: who hears that has agreed to nothing.
_ASKS = re.compile(
    r"\?|confirm|approv|shall i|may i|can i|should i|proceed|go ahead|permission|agree|ok(ay)?\b|\byes\b"
    r"|let me know|want me to|your (word|consent|go)|would you like",
    re.IGNORECASE,
)
MOST_TIMES_TOLD = 2


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
    """Goes by the task alone, never by chance: the same conversation brings the same answers."""

    spec: User
    names: Mapping[str, Any]
    log: Sequence[Happened] = ()
    _empty: int = field(default=0, init=False)
    _told: dict[int, int] = field(default_factory=dict[int, int], init=False)

    def answers(self, text: str, pending: Sequence[Pending]) -> Turn:
        """The answer to what the agent said; `pending` are calls that it asks about, if it asks at all."""
        text = text[:LONGEST_HEARD]
        if not _ASKS.search(text):
            waiting, pending = bool(pending), ()
        else:
            waiting = False
        approved: list[str] = []
        declined: list[str] = []
        said: list[str] = []
        for each in pending:
            yes, words = self.approves(each)
            (approved if yes else declined).append(each.digest)
            if words not in said:
                said.append(words)
        if told := self._tells(text, approving=bool(pending)):
            said.append(told)
        if said:
            return Turn(" ".join(said), approved=tuple(approved), declined=tuple(declined))
        if self._empty < MOST_EMPTY_ANSWERS and ("?" in text or waiting or self._waits()):
            self._empty += 1
            return Turn(NOTHING_MORE if "?" in text else GO_ON)
        return Turn("", ended=True)

    def _tells(self, text: str, *, approving: bool) -> str:
        """The first fact that the text asks for and that is new; else, to a question, one told only once.

        Told at every mention, a report that names what was asked for would never end the conversation. Who
        has just been asked for approval neither repeats anything nor comes up with the next wish.
        """
        known = enumerate(self.spec.knows)
        asked = [at for at, each in known if self._due(each, approving) and _found(each.asked, text)]
        most = MOST_TIMES_TOLD if "?" in text and not approving else 1
        for limit in range(1, most + 1):
            for at in asked:
                if self._told.get(at, 0) < limit:
                    self._told[at] = limit
                    return self.spec.knows[at].says
        return ""

    def _due(self, known: Known, approving: bool) -> bool:
        """Whether what it waits for has happened."""
        return known.after is None or (not approving and bool(places(known.after, self.log, self.names)))

    def _waits(self) -> bool:
        """Whether the user has a wish left, but the one before it is not done yet."""
        return any(each.after is not None and at not in self._told for at, each in enumerate(self.spec.knows))

    def approves(self, call: Pending) -> tuple[bool, str]:
        """Whether this call may go ahead, and the words for it."""
        for each in self.spec.approves:
            if each.tool == call.tool and fits(each.where, call.arguments, self.names):
                return each.answer, each.says or (YES if each.answer else NO)
        return True, YES


def _found(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None
