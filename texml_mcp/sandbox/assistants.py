"""A call that an AI assistant holds: it talks from the answer on, until somebody hangs up or takes the call.

What is documented of such a conversation are its events, so they are all there is: nothing is said, and
nothing understood. That a call is analyzed only if there was a conversation is a guess.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from texml_mcp.sandbox.clock import iso
from texml_mcp.sandbox.documents import Step

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

# Not a step that a document may hold here: those who place the call are given no document to write.
TALK: Step = {"verb": "AIAssistant", "attributes": {}, "text": "", "children": []}
ANALYSIS_SECONDS = 5.0


def talk(world: World, call: Record, _: Step) -> float | None:
    """The conversation begins; something else will have the call go on."""
    call["assistant"]["talks"] = True
    _tell(world, call, "conversation_created")
    return None


def over(world: World, call: Record) -> None:
    """The call is at its end, or gets other instructions: whatever conversation there was is over."""
    assistant = call.get("assistant")
    if assistant is None or not assistant["talks"]:
        return
    assistant["talks"] = False
    _tell(world, call, "conversation_ended")
    world.plan(ANALYSIS_SECONDS, "analyzed", call["sid"])


def _tell(world: World, call: Record, event: str) -> None:
    world.note(event.replace("_", "-"), call["sid"], assistant=call["assistant"]["id"])
    for hook in call["assistant"]["hooks"]:
        world.send(
            hook,
            event,
            "conversation-events",
            CallSid=call["sid"],
            CallSidLegacy=call["sid"],
            ConnectionId=call["application"],
            From=call["from"],
            To=call["to"],
            Timestamp=iso(world.clock.now),
        )
