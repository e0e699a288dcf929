"""What the gate keeps: policy, state directory, store, journal, audit trail."""

from __future__ import annotations

import os
import secrets
import stat
import time
from pathlib import Path

from texml_mcp.doctor.model import Finding, Findings, ok, problem, skipped, warning
from texml_mcp.gate.state import AUDIT_FILE, KEY_FILE, STORE_FILE, State
from texml_mcp.gate.store import Store, StoreError
from texml_mcp.settings import Settings, SettingsError
from texml_mcp.text import clean

_SPACE = "doctor"
_MOST_BYTES = 200_000_000  # an audit trail that takes longer to read is verified by its own command


def check_policy(settings: Settings) -> Findings:
    """Whether the policy that a server would start with can be used, wherever it will keep its records."""
    from texml_mcp.server.services import build_judge, policy_of

    try:
        policy = build_judge(settings, State(None)).policy
    except SettingsError as error:
        yield problem("policy", f"{clean(str(error), 300).rstrip('.')}. texml-mcp policy check says more.")
        return
    mode = policy.mode or settings.confirm
    yield ok("policy", f"{clean(policy_of(settings), 80)} is valid; approval is asked by mode {mode}.")


def check_state(settings: Settings) -> Findings:
    """Rights of the state directory, a round trip through the store, open writes, the trail."""
    from texml_mcp.server.services import build_state

    try:
        state = build_state(settings)
    except SettingsError as error:
        yield problem("store", clean(str(error), 300))
        return
    try:
        yield from _kept(state)
    finally:
        state.close()


def _kept(state: State) -> Findings:
    where = state.directory
    if where is not None:
        yield _rights(where)
    if where is None and not state.shared:
        yield skipped("store", "The sandbox keeps approvals and journal in memory. --state-dir keeps them.")
        return
    if state.untouched:
        yield skipped("store", "There is none yet; the first write makes it.")
    else:
        yield from _store(state)
    if where is not None:
        yield _trail(where, shared=state.shared)
    yield from _panic(state)


def _rights(where: Path) -> Finding:
    name = "state directory"
    try:
        if not where.exists():
            return ok(name, f"{where} is made at the first write.")
        if os.name == "nt":
            return ok(name, f"{where} is writable.")
        held = [
            where,
            *(where / each for each in (STORE_FILE, AUDIT_FILE, KEY_FILE) if (where / each).exists()),
        ]
        if any(each.stat().st_uid != os.geteuid() for each in held):
            return warning(name, f"{where} holds files of another user. Serve as that user, or chown them.")
        loose = [each for each in held if stat.S_IMODE(each.stat().st_mode) & 0o077]
    except OSError as error:
        return problem(name, f"{where} cannot be looked into: {error.strerror}.")
    if loose:
        return warning(name, f"Others can look into it: chmod go-rwx {' '.join(map(str, loose))}")
    return ok(name, f"{where} is this user's alone.")


def _store(state: State) -> Findings:
    kind = "The shared store" if state.shared else "The store"
    try:
        yield _round_trip(state.store, kind)
        yield _journal(state)
    except StoreError as error:
        cure = "Check that it runs." if state.shared else "Move the file away to begin anew."
        yield problem(
            "store", f"{kind} cannot be used, so no write is sent: {clean(str(error), 200)}. {cure}"
        )


def _round_trip(store: Store, kind: str) -> Finding:
    """A value of our own goes in and out again; killed in between, it expires."""
    key = secrets.token_hex(8)
    begun = time.monotonic()
    store.put(_SPACE, key, {"key": key}, time.time() + 60)
    if store.take(_SPACE, key) != {"key": key} or store.get(_SPACE, key) is not None:
        return problem("store", f"{kind} does not give back what was put in. Use another one.")
    return ok(
        "store", f"{kind} keeps its word; a round trip took {(time.monotonic() - begun) * 1000:.0f} ms."
    )


def _journal(state: State) -> Finding:
    waiting = len(state.journal.unsettled(older_than=30.0))
    if waiting:
        what = (
            "One write may or may not have happened"
            if waiting == 1
            else f"{waiting} writes may have happened"
        )
        return warning("journal", f"{what}: nobody knows. Run texml-mcp journal reconcile.")
    return ok("journal", "The outcome of every write is known.")


def _trail(where: Path, *, shared: bool) -> Finding:
    from texml_mcp.gate import audit
    from texml_mcp.gate.store.digests import load_key

    name, path, key = "audit trail", where / AUDIT_FILE, where / KEY_FILE
    try:
        if not path.exists():
            return skipped(name, "There is none yet; the first decision makes it.")
        if path.stat().st_size > _MOST_BYTES:
            return skipped(name, "It is too long to be read here. Run texml-mcp audit verify.")
        verdict = audit.verify(path, load_key(key) if key.exists() and not shared else None)
    except (OSError, StoreError) as error:
        return problem(name, f"{path} cannot be read: {clean(str(error), 200)}.")
    if not verdict.ok:
        told = f"{path} was changed at line {verdict.first_bad_line}: {clean(verdict.why, 200)}"
        return problem(name, f"{told}. Find out who did, and move it away with its head to begin anew.")
    return ok(name, f"{verdict.lines} lines, none changed or missing.")


def _panic(state: State) -> Findings:
    from texml_mcp.gate import panic

    try:
        engaged = panic.engaged(state)
    except StoreError:
        return  # the store's own finding says it
    if engaged:
        yield warning(
            "panic switch", f"Every write is stopped, {engaged}. texml-mcp panic --clear lets them run."
        )
