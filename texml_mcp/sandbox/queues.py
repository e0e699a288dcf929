"""Call queues: who waits, for how long, and whom an agent is given."""

from __future__ import annotations

from texml_mcp.sandbox import ids
from texml_mcp.sandbox.live_text import LiveText
from texml_mcp.sandbox.store import Record

DEFAULT_QUEUE_SIZE = 300


class Queues(LiveText):
    """Queues with their callers: first in, first out."""

    def bridge(self, one: str, other: str) -> None:
        """Connect two legs."""
        raise NotImplementedError

    def queue_named(self, name: str, max_size: int = DEFAULT_QUEUE_SIZE) -> Record:
        """The queue of this name; a new one when there is none, as `<Enqueue>` does it."""
        if name in self.state["queues"]:
            return self.state["queues"][name]
        uuid = ids.uuid_sid(*self.fresh("queue", name))
        return self.new("queues", name, {"max_size": max_size, "waiting": [], "waits": [], "uuid": uuid})

    def enqueue(self, sid: str, name: str) -> bool:
        """A call begins to wait; `False` when the queue is full."""
        queue = self.queue_named(name)
        if len(queue["waiting"]) >= queue["max_size"]:
            self.note("queue-full", sid, queue=name)
            return False
        queue["waiting"].append({"call": sid, "waiting_since": self.clock.now})
        self.touch(queue)
        self.state["calls"][sid]["queue"] = name
        self.note("enqueued", sid, queue=name, position=len(queue["waiting"]))
        return True

    def serve_next(self, name: str) -> None:
        """Somebody waits and an agent may: connect the two."""
        agents = (each for each in self.state["calls"].values() if each["serves"] == name)
        if (agent := next(agents, None)) is not None:
            self.serve(agent["sid"], name)

    def tell_wait(self, call: Record, hook: Record) -> None:
        """The waiting document is asked for: where the caller stands goes with the request."""
        queue = self.state["queues"][call["queue"]]
        waiting = [member["call"] for member in queue["waiting"]]
        at = waiting.index(call["sid"])
        self.send(
            hook,
            "enqueued",
            "queue-events",
            CallSid=call["sid"],
            CallSidLegacy=call["sid"],
            QueueSid=queue["uuid"],
            QueuePosition=at + 1,
            CurrentQueueSize=len(waiting),
            QueueTime=int(self.clock.now - queue["waiting"][at]["waiting_since"]),
            AvgQueueTime=average_wait(queue, self.clock.now),
        )

    def leave_queue(self, sid: str, result: str = "hangup") -> None:
        """A call waits no longer. `result` is told to the action of its `<Enqueue>`."""
        call = self.state["calls"][sid]
        queue = self.state["queues"].get(call["queue"] or "")
        call["queue"] = None
        if queue is None:
            return
        for member in queue["waiting"]:
            if member["call"] == sid:
                waited = int(self.clock.now - member["waiting_since"])
                queue["waits"] = [*queue["waits"][-99:], waited]
                if call["enqueued"] is not None:
                    call["enqueued"] |= {"result": result, "waited": waited, "queue": queue["uuid"]}
        queue["waiting"] = [member for member in queue["waiting"] if member["call"] != sid]
        self.touch(queue)
        self.note("dequeued", sid, queue=queue["sid"], result=result)

    def serve(self, agent: str, name: str) -> bool:
        """`<Dial><Queue>`: connect a leg to who has waited longest; `False` when nobody waits."""
        queue = self.queue_named(name)
        leg = self.state["calls"][agent]
        if not queue["waiting"]:
            leg["serves"] = name
            return False
        leg["serves"] = None
        caller = self.state["calls"][queue["waiting"][0]["call"]]
        self.leave_queue(caller["sid"], "bridged")
        # The waiting document ends here: what stood after <Enqueue> goes on when the two have talked.
        caller |= {"script": caller["after"], "after": [], "collecting": None}
        self.bridge(agent, caller["sid"])
        return True


def average_wait(queue: Record, now: float) -> int:
    """Seconds, over who waits and the latest who waited."""
    waits = queue["waits"] + [int(now - each["waiting_since"]) for each in queue["waiting"]]
    return round(sum(waits) / len(waits)) if waits else 0
