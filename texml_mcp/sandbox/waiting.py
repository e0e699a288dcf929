"""`<Enqueue>` and `<Leave>`: waiting in a queue with a document to listen to, and what follows the wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from texml_mcp.sandbox.documents import Step, seconds
from texml_mcp.sandbox.scripts import fetch, next_document

if TYPE_CHECKING:
    from texml_mcp.sandbox.world import Record, World

LONGEST_WAIT = 14_400.0


def enqueue(world: World, call: Record, step: Step) -> float | None:
    """Wait until an agent comes, the document leaves the queue, or `maxWaitTimeSecs` is over."""
    attributes = step["attributes"]
    name = step["text"] or "default"
    turn = call["enqueued"]["turn"] + 1 if call["enqueued"] else 1
    call["enqueued"] = {
        "turn": turn,
        "action": attributes.get("action"),
        "method": attributes.get("method", "POST"),
        "wait": attributes.get("waitUrl"),
        "wait_method": attributes.get("waitUrlMethod", "POST"),
        "since": None,
        "result": None,
        "waited": 0,
        "queue": world.queue_named(name)["uuid"],
    }
    if not world.enqueue(call["sid"], name):
        call["enqueued"]["result"] = "queue-full"
        return 0
    call["after"], call["script"] = call["script"], []
    most = seconds(step, "maxWaitTimeSecs", LONGEST_WAIT)
    world.plan(most, "waited_out", call["sid"], turn)
    world.serve_next(name)
    if call["queue"] is None:  # an agent was there at once
        return None
    return 0


def leave(world: World, call: Record, _: Step) -> float | None:
    if call["queue"] is not None:
        world.leave_queue(call["sid"], "leave")
        call["script"], call["after"] = call["after"], []
    return 0


def waited_out(world: World, call: Record, turn: int) -> None:
    """Nobody came in time: the call goes on after its `<Enqueue>`."""
    if call["queue"] is None or call["enqueued"]["turn"] != turn:
        return
    world.leave_queue(call["sid"], "max-wait-time-exceeded")
    call |= {"script": call["after"], "after": [], "collecting": None}
    world.proceed(call["sid"])


def wait_again(world: World, call: Record) -> bool:
    """Ask for the waiting document, again and again; `False` when there is none to listen to.

    One that takes no time is asked for once: asking on would stop the clock.
    """
    waits = call["enqueued"]
    if not waits["wait"] or waits["since"] == world.clock.now:
        return False
    waits["since"] = world.clock.now
    world.tell_wait(call, {"url": waits["wait"], "method": waits["wait_method"]})
    # Only a scripted document runs: the stand-in for unknown URLs would end the wait by itself.
    if world.filled(waits["wait"]) not in world.documents and world.fetcher is None:
        return False
    call["script"] = fetch(world, call, waits["wait"], method=waits["wait_method"])
    return True


def wait_over(world: World, call: Record) -> None:
    """The wait is over and nobody talks to the caller any more: the action of the `<Enqueue>` takes over."""
    waits = call["enqueued"]
    if waits is None or waits["result"] is None or call["queue"] is not None or call["peer"] is not None:
        return
    result, waits["result"] = waits["result"], None
    if waits["action"]:
        attributes = {"action": waits["action"], "method": waits["method"]}
        call["script"] = next_document(world, call, attributes, "dequeued", **_told(waits, result))


def tell_result(world: World, call: Record) -> None:
    """The caller is gone: the action is told so, and its document is not run."""
    waits = call["enqueued"]
    if waits is None or waits["result"] is None:
        return
    result, waits["result"] = waits["result"], None
    if waits["action"]:
        hook = {"url": waits["action"], "method": waits["method"]}
        world.send(hook, "dequeued", "texml-action", CallSid=call["sid"], **_told(waits, result))


def _told(waits: Record, result: str) -> dict[str, Any]:
    return {"QueueSid": waits["queue"], "QueueResult": result, "QueueTime": waits["waited"]}
