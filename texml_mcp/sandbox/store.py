"""What a world is made of: tables of plain data, a clock, identifiers, an event log, and copies of it all.

State is nothing but dictionaries, lists and scalars, so that a world can be copied, compared and hashed.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from texml_mcp.sandbox.clock import Clock
from texml_mcp.sandbox.comparing import differences, settled

Record = dict[str, Any]

TABLES = (
    "applications",
    "calls",
    "conferences",
    "queues",
    "recordings",
    "transcriptions",
    "siprecs",
    "streams",
    "live_transcriptions",
    "secrets",
)
MOST_EVENTS = 20_000
MOST_CALLBACKS = 20_000
LONGEST_SPAN = 10**9

Kept = tuple[bytes, dict[str, str]]
Fetcher = Callable[[str, str, Mapping[str, str]], str]
Watcher = Callable[[Record], None]


class Store:
    """One isolated set of tables. `seed` goes into identifiers: worlds of one seed name things alike."""

    happenings: ClassVar[dict[str, str]] = {}

    def __init__(self, seed: str, account_sid: str) -> None:
        self.seed = seed
        self.account_sid = account_sid
        self.clock = Clock()
        self.state: dict[str, dict[str, Record]] = {table: {} for table in TABLES}
        self.made = 0
        self.drawn: dict[str, int] = {}  # how often an identifier was derived from the same content
        # How the world behaves, as opposed to what is in it: outside the hash.
        self.lag_seconds = 0.0
        self.tick_seconds = 1.0
        self.answers_call_sid = True
        self.callees: list[Record] = []
        self.documents: dict[str, str] = {}
        self.faults: list[Record] = []
        self.asked: dict[str, int] = {}  # requests by operation, for faults by ordinal
        self.rate: Record = {"limit": 0, "seconds": 60.0, "left": 0, "resets": 0.0}
        # What happened, outside the hash.
        self.events: list[Record] = []
        self.outbox: list[Record] = []
        self.vault: dict[str, str] = {}  # secret values, for templates; shown nowhere
        self.fetcher: Fetcher | None = None  # gets documents that the table has not, where that is allowed
        self.watcher: Watcher | None = None  # hears of every request once it is answered
        self.versions: dict[str, list[tuple[float, Record]]] = {}
        self.followed: float | None = None  # when the real-time mode last looked, by the monotonic clock
        self.origin: Kept | None = None  # what `reset` goes back to
        self.noted = 0  # how many events and callbacks there have been: logs are cut, their numbers go on
        self.sent = 0

    # --- copies and comparison

    _KEPT: ClassVar[tuple[str, ...]] = (
        *("seed", "account_sid", "state", "made", "drawn", "lag_seconds", "tick_seconds"),
        *("answers_call_sid", "callees", "documents", "faults", "asked", "rate"),
        *("events", "outbox", "noted", "sent"),
    )

    def snapshot(self) -> bytes:
        """Everything that makes this world, packed; `restore` takes it back. Secret values stay outside."""
        clock = (self.clock.now, self.clock.order, self.clock.due)
        return marshal.dumps((clock, {name: getattr(self, name) for name in self._KEPT}))

    def restore(self, snapshot: bytes) -> None:
        """Become what the snapshot was."""
        clock, kept = marshal.loads(snapshot)  # made by `snapshot`, in this process
        self.clock = Clock(*clock)
        for name, value in kept.items():
            setattr(self, name, value)
        self.versions = {}

    def fork(self) -> Self:
        """A copy that goes its own way."""
        twin = type(self)(self.seed, self.account_sid)
        twin.restore(self.snapshot())
        twin.vault = dict(self.vault)
        twin.fetcher = self.fetcher
        twin.origin = self.origin
        return twin

    def keep(self) -> Kept:
        """A snapshot with the secret values beside it: what `reset` and the control plane hold on to."""
        return self.snapshot(), dict(self.vault)

    def back(self, kept: Kept) -> None:
        """Become what was kept, secrets included."""
        self.restore(kept[0])
        self.vault = dict(kept[1])

    def reset(self) -> None:
        """Become what the fixture made, or an empty world where there was none; the seed stays."""
        seed = self.seed
        self.back(self.origin or type(self)(seed, self.account_sid).keep())
        self.seed = seed

    def hash(self) -> str:
        """A digest of the state: the same for the same outcome, however fast it came about."""
        text = json.dumps(settled(self.state), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def diff(self, other: Store) -> list[Record]:
        """What differs in the other world, volatile fields aside: `{path, here, there}` by path."""
        return list(differences("", settled(self.state), settled(other.state)))

    def shown(self) -> Record:
        """The whole state with the clock, for people and graders. Secret values are not in it."""
        kept: Record = marshal.loads(marshal.dumps(self.state))
        return {"account_sid": self.account_sid, "now": self.clock.now, **kept}

    # --- settings

    def settings(self) -> Record:
        return {
            "tick_seconds": self.tick_seconds,
            "lag_seconds": self.lag_seconds,
            "answers_call_sid": self.answers_call_sid,
            "rate_limit": self.rate["limit"],
            "rate_seconds": self.rate["seconds"],
        }

    def configure(self, given: Mapping[str, Any]) -> None:
        """Change settings, all or none. Raises `ValueError` that names the field."""
        known = self.settings()
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"{name}: not a setting; there are {', '.join(known)}")
            if name == "answers_call_sid":
                if not isinstance(value, bool):
                    raise ValueError(f"{name}: true or false")
            elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 10**6:
                raise ValueError(f"{name}: a number, 0 or more")
        wanted = known | dict(given)
        self.tick_seconds, self.lag_seconds = float(wanted["tick_seconds"]), float(wanted["lag_seconds"])
        self.answers_call_sid = wanted["answers_call_sid"]
        self.rate |= {
            "limit": int(wanted["rate_limit"]),
            "seconds": float(wanted["rate_seconds"]),
            "resets": 0.0,
        }

    # --- time

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything that falls due happen. Raises `ValueError` for a negative span."""
        if not (math.isfinite(seconds) and 0 <= seconds < LONGEST_SPAN):
            raise ValueError("time only goes forward: seconds must be 0 or more, and below 1e9")
        self.run_until(self.clock.now + seconds)

    def run_until(self, moment: float) -> None:
        """Move to a moment, with every event on the way in order."""
        while (event := self.clock.next_before(moment)) is not None:
            name, arguments = event
            getattr(self, self.happenings[name])(*arguments)
        self.clock.now = max(self.clock.now, moment)

    def plan(self, after: float, happening: str, *arguments: Any) -> None:
        """Have one of `happenings` happen, in `after` seconds."""
        self.clock.plan(after, happening, *arguments)

    # --- making and finding

    def new(self, table: str, sid: str, record: Record) -> Record:
        """Put a record into a table, stamped with the time and a running number."""
        self.made += 1
        record |= {"sid": sid, "number": self.made, "created": self.clock.now, "updated": self.clock.now}
        self.state[table][sid] = record
        self.note(f"{table[:-1]}-created", sid)
        return record

    def fresh(self, *parts: object) -> tuple[object, ...]:
        """What an identifier derives from: the seed, the content, and how many of that content came before.

        Not a running number: two independent dials get the same identifiers in either order.
        """
        key = "\x1f".join(map(str, parts))
        self.drawn[key] = count = self.drawn.get(key, 0) + 1
        return (self.seed, *parts, count)

    def touch(self, record: Record, **changes: Any) -> None:
        """Change a record, and remember what it was for reads that trail."""
        if self.lag_seconds or self.faults:
            kept = self.versions.setdefault(record["sid"], [])
            kept.append((self.clock.now, dict(record)))
            del kept[:-8]
        record.update(changes, updated=self.clock.now)

    def note(self, what: str, sid: str, **more: Any) -> None:
        """Add to the log of what happened."""
        self.noted += 1
        self.events.append({"number": self.noted, "at": self.clock.now, "event": what, "sid": sid, **more})
        if len(self.events) > MOST_EVENTS:
            del self.events[: MOST_EVENTS // 2]

    def failover(self, call: str | None) -> str:
        """Where a callback about this leg goes when its own address fails: nowhere, by itself."""
        return ""

    def filled(self, text: str) -> str:
        """A text with each `{{name}}` replaced by that secret, at the moment of use: state holds none."""
        if self.vault and "{{" in text:
            for name, value in self.vault.items():
                text = text.replace("{{" + name + "}}", value)
        return text

    def send(self, hook: Record | None, event: str, source: str, **fields: Any) -> None:
        """Put a callback into the outbox, when somebody asked for it; fields without value stay out."""
        if not hook or not hook.get("url") or (hook.get("events") and event not in hook["events"]):
            return
        kept = {name: str(value) for name, value in fields.items() if value is not None}
        fallback = hook.get("fallback_url") or self.failover(fields.get("CallSid"))
        self.sent += 1
        self.outbox.append(
            {
                "number": self.sent,
                "at": self.clock.now,
                "url": self.filled(hook["url"]),
                **({"fallback_url": fallback} if fallback and fallback != hook["url"] else {}),
                "method": hook.get("method") or "POST",
                "event": event,
                "fields": {"AccountSid": self.account_sid, "CallbackSource": source, **kept},
            }
        )
        if len(self.outbox) > MOST_CALLBACKS:
            del self.outbox[: MOST_CALLBACKS // 2]

    def end(self, sid: str, status: str, by: str = "system", cause: str = "") -> None:
        """Have a call be over."""
        raise NotImplementedError

    def table(self, name: str) -> dict[str, Record]:
        return self.state[name]

    def seen(self, record: Record, behind: float = 0.0) -> Record | None:
        """A record as a trailing read knows it: an earlier version, or `None` before its creation."""
        behind = max(behind, self.lag_seconds)
        if not behind:
            return record
        moment = self.clock.now - behind
        if record["created"] > moment:
            return None
        for changed, before in self.versions.get(record["sid"], ()):
            if changed > moment:
                return before
        return record
