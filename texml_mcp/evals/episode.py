"""One run of one task, as plain data: what was said and done, and what the world came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Ended = Literal[
    "done",  # the agent said so, or there was nothing left to talk about
    "out_of_steps",
    "out_of_time",
    "agent_failed",  # it crashed, or broke the protocol
    "server_failed",
    "task_failed",  # the task itself cannot be played
]
Happened = dict[str, Any]


@dataclass(slots=True)
class Episode:
    """`log` holds, in order, what happened; each entry has a `kind` and `at`, seconds since the start:

    - `user`: `text`, and `approved` and `declined`, digests of calls;
    - `agent`: `text`, said to the user; `final` with the last one;
    - `call`: `tool`, `arguments`, `digest`, `status`, `code`, `outcome`, `is_error`, `text`, and where it
      carried an approval `confirmed`: `consented`, `unasked` or `refused`; of a foreign server also
      `called`, the `tool` and `arguments` as they went there;
    - `request`: what reached the API (see `sandbox.exchange`), and `risky`: a person should approve it;
    - `asked`: a question past the agent, with the `answer`.

    `end` is a view of the world, of its logs only what this run added. `why` says what went wrong.
    """

    task: str
    trial: int
    seed: int
    names: dict[str, Any] = field(default_factory=dict[str, Any])
    log: list[Happened] = field(default_factory=list[Happened])
    end: dict[str, Any] = field(default_factory=dict[str, Any])
    start_print: str = ""
    ended: Ended = "done"
    why: str = ""
    tokens: dict[str, int] = field(default_factory=dict[str, int])
    usage: dict[str, int] = field(default_factory=dict[str, int])
    wall_seconds: float = 0.0

    def of_kind(self, kind: str) -> list[Happened]:
        return [each for each in self.log if each["kind"] == kind]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Episode:
        """The episode of a trace line. Raises `TypeError` for unknown or missing parts."""
        return cls(**held)
