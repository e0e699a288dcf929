"""`texml://calls/{call_sid}`: one call as it is now, what was recorded of it, and who else is on it.

Every part is read through the pipeline, so policy, accounts, masks and labels apply as they do to a tool.
"""

from __future__ import annotations

from typing import Any

from texml_mcp.results import ToolResult
from texml_mcp.server.reader import Reader
from texml_mcp.server.resources.addresses import ResourceError

# How many live conferences are searched for the call: reading one resource must not cost dozens of requests.
MOST_CONFERENCES = 5
_GONE = ("not_found", "not_found_or_wrong_account", "not_visible_yet")
_CONFERENCE_TOOLS = frozenset(
    ("list_conferences", "get_conference_participant", "list_conference_participants")
)


class _Story:
    """What is told of a call, part by part; a part that cannot be read is a note, not a failure."""

    def __init__(self, reader: Reader) -> None:
        self.ask, self.offers = reader.read, reader.offers
        self.parts: dict[str, Any] = {}
        self.untrusted: list[str] = []
        self.notes: list[str] = []

    def label(self, part: str, result: ToolResult) -> None:
        self.untrusted += [f"{part}.{name}" for name in result.untrusted]

    def missed(self, what: str, result: ToolResult) -> None:
        self.notes.append(f"{what} could not be read: {result.summary}")

    def told(self) -> dict[str, Any]:
        lists = {"untrusted": self.untrusted, "notes": self.notes}
        return self.parts | {name: value for name, value in lists.items() if value}


async def call(reader: Reader, sid: str) -> dict[str, Any]:
    """The call with its recordings and its conference. Raises `ResourceError`."""
    story = _Story(reader)
    read = await story.ask("get_call", {"call_sid": sid})
    if read.status != "ok":
        raise _unreadable(read)
    story.parts["call"] = read.data or {}
    story.label("call", read)
    await _recordings(story, sid)
    if story.parts["call"].get("status") == "in-progress":
        await _conference(story, sid)
    return story.told()


def _unreadable(read: ToolResult) -> ResourceError:
    data: dict[str, object] = {"code": read.code}
    if read.retry_after_seconds is not None:
        data["retry_after_seconds"] = read.retry_after_seconds
    missing = read.code in _GONE
    # A refusal is about the request; what is left went wrong behind it.
    failed = not missing and read.status != "denied"
    return ResourceError(read.summary, missing=missing, failed=failed, **data)


async def _recordings(story: _Story, sid: str) -> None:
    if not story.offers("list_call_recordings"):
        return
    read = await story.ask("list_call_recordings", {"call_sid": sid})
    if read.status != "ok":
        story.missed("Recordings", read)
        return
    story.parts["recordings"] = read.items or []
    story.label("recordings", read)
    if (read.page or {}).get("more"):
        story.notes.append(f"Recordings: {read.summary}")


async def _conference(story: _Story, sid: str) -> None:
    """The live conference the call sits in; the API has no way to ask for it but by looking into each."""
    if not story.offers(*_CONFERENCE_TOOLS):
        return
    live = await story.ask("list_conferences", {"Status": "in-progress", "PageSize": MOST_CONFERENCES})
    if live.status != "ok":
        story.missed("Conferences", live)
        return
    for conference in (live.items or [])[:MOST_CONFERENCES]:
        at = {"conference_sid": conference["sid"]}
        member = await story.ask("get_conference_participant", {**at, "call_sid_or_participant_label": sid})
        if member.status == "ok":
            await _members(story, conference, live, at)
            return
        if member.code not in _GONE:
            story.missed("Conferences", member)
            return
    if (live.page or {}).get("more"):
        story.notes.append(f"Only {MOST_CONFERENCES} live conferences were searched for this call.")


async def _members(story: _Story, conference: dict[str, Any], live: ToolResult, at: dict[str, Any]) -> None:
    told = story.parts["conference"] = dict(conference)
    story.untrusted += [f"conference.{name}" for name in live.untrusted if conference.get(name)]
    members = await story.ask("list_conference_participants", at)
    if members.status != "ok":
        story.missed("Participants", members)
        return
    told["participants"] = members.items or []
    story.label("conference.participants", members)
    if (members.page or {}).get("more"):
        story.notes.append(f"Participants: {members.summary}")
