"""What the gate keeps: the trail, policies, approvals and the journal, in files as a server has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from benchmarks.answers import ACCOUNT, dial
from benchmarks.scale.subject import Subject
from texml_mcp.catalog import endpoint
from texml_mcp.gate.approvals import Approvals
from texml_mcp.gate.audit import AuditEvent, AuditLog, verify
from texml_mcp.gate.external import MOST_LISTED, Queue
from texml_mcp.gate.journal import Entry
from texml_mcp.gate.policy import decide, parse
from texml_mcp.gate.state import State
from texml_mcp.gate.store.digests import Digester

SIZES = (10, 100, 1000, 10_000)
_FEWER = (10, 100, 1000)
_RULES = (10, 50, 200)  # a policy takes no more


def audit() -> Iterator[Subject]:
    """Writing to a long trail, and checking all of it."""
    directory = TemporaryDirectory()
    digester = Digester(b"k" * 32)
    path = Path(directory.name) / "audit.jsonl"
    log = AuditLog(path, digester)
    event = AuditEvent("sending", tool="create_call", account=ACCOUNT, subject="+12125550100")
    lines = 0

    def grow(size: int) -> None:
        nonlocal lines
        while lines < size:
            log.append(event)
            lines += 1

    append = "writing a line of the audit trail"
    yield Subject(append, "lines", SIZES, grow, lambda: log.append(event), adds=True)
    checked = Path(directory.name) / "checked.jsonl"
    other = AuditLog(checked, digester)
    written = 0

    def write(size: int) -> None:
        nonlocal written
        while written < size:
            other.append(event)
            written += 1

    whole = "verifying the audit trail"
    yield Subject(whole, "lines", SIZES, write, lambda: verify(checked, digester), directory.cleanup)


def policy() -> Iterator[Subject]:
    """Reading a policy of many rules, and deciding by the last of them."""
    held = SimpleNamespace(text="", policy=None)
    known = endpoint("create_call")
    wire = {"account_sid": ACCOUNT, **dial(0)}

    def grow(size: int) -> None:
        rules = (
            f'[[rules]]\nname = "rule-{number}"\naction = "deny"\ntools = ["create_call"]\n'
            f'when.To = "+1202555{number % 10_000:04d}"\n'
            for number in range(size)
        )
        held.text = "version = 1\n" + "\n".join(rules)
        held.policy = parse(held.text)

    yield Subject("reading a policy", "rules", _RULES, grow, lambda: parse(held.text))
    yield Subject("deciding by a policy", "rules", _RULES, grow, lambda: decide(held.policy, known, wire))


def approvals() -> Iterator[Subject]:
    """Asking, listing and settling while other requests wait."""
    directory = TemporaryDirectory()
    state = State(Path(directory.name))
    queue = Queue(state)
    tokens = Approvals(state)
    number = itertools.count()
    waiting = 0

    def ask() -> Any:
        call = f"call-{next(number)}"
        return queue.ask("create_call", "assistant", call, "", "Place a call?", ["spends"])

    def grow(size: int) -> None:
        nonlocal waiting
        while waiting < size:
            ask()
            tokens.issue(f"other-{waiting}")
            waiting += 1

    def settle() -> None:
        request = ask()
        queue.settle(request.id, "manager", approve=True)
        queue.use(request)

    def token() -> None:
        tokens.redeem(tokens.issue("call"), "call")

    def close() -> None:
        state.close()
        directory.cleanup()

    yield Subject("asking for approval, settling and using it", "requests", _FEWER, grow, settle)
    yield Subject("issuing and redeeming a token", "requests", _FEWER, grow, token, close)


def listing() -> Iterator[Subject]:
    """The list of what waits; no more than its longest is shown."""
    directory = TemporaryDirectory()
    state = State(Path(directory.name))
    queue = Queue(state)
    held = 0

    def grow(size: int) -> None:
        nonlocal held
        while held < size:
            queue.ask("create_call", "assistant", f"call-{held}", "", "Place a call?", ["spends"])
            held += 1

    def close() -> None:
        state.close()
        directory.cleanup()

    yield Subject("listing what waits", "requests", (10, 50, MOST_LISTED), grow, queue.listed, close)


def journal() -> Iterator[Subject]:
    """Noting a write and what became of it, after many others."""
    directory = TemporaryDirectory()
    state = State(Path(directory.name))
    number = itertools.count()

    def note() -> None:
        entry = Entry("create_call", f"digest-{next(number)}", account=ACCOUNT)
        id = state.journal.begin(entry, unless_within=60)
        state.journal.settle(id, "ok", 200, f"v3:{entry.digest}")

    noted = 0

    def grow(size: int) -> None:
        nonlocal noted
        while noted < size:
            note()
            noted += 1

    def close() -> None:
        state.close()
        directory.cleanup()

    yield Subject("noting a write in the journal", "writes", _FEWER, grow, note, close, adds=True)
