"""What a call does with its TeXML, verb by verb, on the clock of its world."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from texml_mcp.sandbox import assistants
from texml_mcp.sandbox.attachments import connect, start, stop
from texml_mcp.sandbox.dialing import AFTER_CONFERENCE, after_conference, dial
from texml_mcp.sandbox.documents import Step
from texml_mcp.sandbox.prompts import gather, record, speak
from texml_mcp.sandbox.scripts import fetch, next_document, with_secrets
from texml_mcp.sandbox.waiting import enqueue, leave, wait_again, wait_over

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

MOST_STEPS_AT_ONCE = 200
"""Verbs that take no time, one after the other: more than this is a document that redirects to itself."""

# A verb answers how many seconds it takes, or `None` when something else will have the call go on.
Verb = Callable[["World", "Record", Step], float | None]


def run(world: World, sid: str) -> None:
    """Run the call's next verbs, up to one that takes time."""
    call = world.state["calls"][sid]
    call["step"] += 1
    for _ in range(MOST_STEPS_AT_ONCE):
        if call["status"] != "in-progress":
            return
        if call["asks"] is not None:
            asked, call["asks"] = call["asks"], None
            call["script"] = fetch(world, call, **asked)
        wait_over(world, call)
        if not call["script"]:
            if call["queue"] is not None and wait_again(world, call):
                continue
            _at_the_end(world, call)
            return
        step = with_secrets(world, call["script"][0])
        call["script"] = call["script"][1:]
        world.note("verb", sid, verb=step["verb"])
        takes = _VERBS[step["verb"]](world, call, step)
        if takes is None:
            return
        if takes > 0:
            world.plan(takes, "proceed", sid, call["step"])
            return
    world.note("endless-document", sid)
    world.end(sid, "completed", "system", "call_rejected")


def _at_the_end(world: World, call: Record) -> None:
    """The document is through: the call is over, unless something else keeps it up."""
    if call["screens"]:
        world.put_through(call)
        return
    tied = ("queue", "conference", "peer", "supervises")
    if call["runs_document"] and all(call[tie] is None for tie in tied):
        world.end(call["sid"], "completed", "system")


def _redirect(world: World, call: Record, step: Step) -> float | None:
    method = step["attributes"].get("method")
    call["script"] = fetch(world, call, step["text"], world.failover(call["sid"]), method=method)
    return 0


def _reject(world: World, call: Record, step: Step) -> float | None:
    busy = step["attributes"].get("reason") == "busy"
    world.end(call["sid"], "busy" if busy else "failed", "system", "user_busy" if busy else "call_rejected")
    return None


def _refer(world: World, call: Record, step: Step) -> float | None:
    """The far end is told to call elsewhere, and does: this leg is over."""
    target = step["children"][0]["text"]
    world.note("referred", call["sid"], to=target)
    if step["attributes"].get("action"):
        told = {"ReferCallStatus": "completed", "ReferSipResponseCode": 202, "NotifySipResponseCode": 200}
        call["script"] = next_document(world, call, step["attributes"], "refer", **told)
    world.end(call["sid"], "completed", "callee", "normal_clearing")
    return None


def _hang_up(world: World, call: Record, _: Step) -> float | None:
    world.end(call["sid"], "completed", "system", "normal_clearing")
    return None


_VERBS: dict[str, Verb] = {
    "Say": speak,
    "Play": speak,
    "Pause": speak,
    "Gather": gather,
    "Record": record,
    "Dial": dial,
    AFTER_CONFERENCE: after_conference,
    "Enqueue": enqueue,
    "Leave": leave,
    "Redirect": _redirect,
    "Reject": _reject,
    "Refer": _refer,
    "Hangup": _hang_up,
    "Start": start,
    "Stop": stop,
    "Connect": connect,
    assistants.TALK["verb"]: assistants.talk,
}
