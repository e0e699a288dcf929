"""What a tool answers, before MCP wraps it: the same story for structured and for text readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, Literal

Status = Literal[
    "ok",
    "dry_run",
    "confirmation_required",
    "approval_pending",
    "stale_preview",
    "declined",
    "denied",
    "error",
]
Outcome = Literal["not_sent", "rejected", "unknown"]

NOT_EXECUTED = "NOT EXECUTED"


@dataclass(frozen=True, slots=True)
class Next:
    """A complete call that is ready to be made, and why one would."""

    tool: str
    arguments: Mapping[str, Any]
    why: str

    def as_dict(self) -> dict[str, Any]:
        return {"tool": self.tool, "arguments": dict(self.arguments), "why": self.why}


@dataclass(slots=True)
class ToolResult:
    """One answer. Only `status: ok` means that something was sent and accepted.

    `data` is one record, `items` a list with its `page`. `untrusted` names the fields whose words a
    third party chose. `outcome` of an error: `not_sent`, `rejected`, or `unknown` (it may have happened).
    """

    status: Status
    summary: str
    data: dict[str, Any] | None = None
    items: list[dict[str, Any]] | None = None
    page: dict[str, Any] | None = None
    notes: list[str] = default(default_factory=list[str])
    next: list[Next] = default(default_factory=list[Next])
    untrusted: list[str] = default(default_factory=list[str])
    request: dict[str, Any] | None = None
    risks: list[str] | None = None
    preview: str | None = None
    confirm_token: str | None = None
    expires_in_seconds: float | None = None
    code: str | None = None
    outcome: Outcome | None = None
    field: str | None = None
    retry_after_seconds: float | None = None
    upstream: dict[str, Any] | None = None
    lines: list[str] = default(default_factory=list[str])
    extra: dict[str, Any] = default(default_factory=dict[str, Any])

    @property
    def is_error(self) -> bool:
        """Whether MCP should flag the result: the call did not do what it was asked to."""
        return self.status in ("error", "denied", "declined")

    def structured(self) -> dict[str, Any]:
        """The structured channel; empty parts are left out."""
        story: dict[str, Any] = {"status": self.status, "summary": self.summary}
        for key in ("data", "items", "page", "request", "risks", "preview", "confirm_token"):
            if (value := getattr(self, key)) is not None:
                story[key] = value
        if self.expires_in_seconds is not None:
            story["expires_in_seconds"] = self.expires_in_seconds
        for key in ("code", "outcome", "field", "retry_after_seconds", "upstream"):
            if (value := getattr(self, key)) is not None:
                story[key] = value
        story.update(self.extra)
        if self.untrusted:
            story["untrusted"] = self.untrusted
        if self.notes:
            story["notes"] = self.notes
        if self.next:
            story["next"] = [each.as_dict() for each in self.next]
        return story
