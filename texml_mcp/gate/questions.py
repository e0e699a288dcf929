"""A question to a person, how they are reached, and what an answer comes to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from texml_mcp.results import ToolResult

Asking = Literal["modern", "legacy", "none"]

ANSWER_KEY = "confirm"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back from a form: only `accept` with the box ticked is a yes."""

    action: str
    ticked: bool

    @property
    def approves(self) -> bool:
        return self.action == "accept" and self.ticked


async def _cannot_ask(question: str) -> Answer:
    raise RuntimeError("this client cannot be asked")


async def _cannot_open(words: str, url: str, id: str) -> Answer:
    raise RuntimeError("this client opens no pages")


@dataclass(frozen=True, slots=True)
class Person:
    """How the person behind a client is reached.

    `modern`: `state` and `answer` are what the client brought back with its repeated call. `legacy`:
    `ask` puts the form to the client and waits; it raises when the client cannot show it after all.
    `opening` says likewise how the client can send its user to a page, and `open` does it on a legacy one.
    """

    asking: Asking = "none"
    modern_era: bool = False
    state: str | None = None
    answer: Answer | None = None
    ask: Callable[[str], Awaitable[Answer]] = _cannot_ask
    opening: Asking = "none"
    open: Callable[[str, str, str], Awaitable[Answer]] = _cannot_open


@dataclass(frozen=True, slots=True)
class Told:
    """What is told beside a question's words. `again` is the call that a client makes once there is a yes.

    For whoever is asked in another place: `warnings` speak against it, `request` is what would be sent to
    `account`, secrets masked.
    """

    risks: list[str]
    again: Mapping[str, Any]
    notes: list[str]
    warnings: Sequence[str] = ()
    request: Mapping[str, Any] | None = None
    account: str = ""
    account_label: str = ""


@dataclass(frozen=True)
class Question:
    """One call that needs a yes. `observed` is the digest of what was read just before.

    `telling` works out the rest once, when somebody is asked: a call that brings its yes along needs none.
    """

    tool: str
    bound_to: str
    observed: str
    words: str
    principal: str
    token: str | None
    telling: Callable[[], Told]

    @cached_property
    def told(self) -> Told:
        return self.telling()


@dataclass(frozen=True, slots=True)
class Approved:
    """A yes that counts, once. `kind` says how it came about: a token is no proof of a person.

    `policy` means that nobody had to be asked; `evidence` is what proves the rest. `waited`: the world went
    on while somebody was thinking, so it has to be looked at once more.
    """

    kind: Literal["policy", "off", "token", "form", "external"]
    evidence: str = ""
    waited: bool = False


@dataclass(frozen=True, slots=True)
class AskThroughClient:
    """Return this to a modern client: it asks, and calls again with `state`.

    With a `url` it does not show a form but sends its user to that page.
    """

    words: str
    state: str
    url: str = ""


class CannotAskError(Exception):
    """Strict mode, and a client that cannot show a form: nothing runs."""


Verdict = Approved | AskThroughClient | ToolResult
