"""Whatever is done in whatever order: what leaves never exceeds the approvals given for exactly that call."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lengths import few
from tests.security.model import CLIENTS, Violation, Walk
from tests.security.through_clients import ClientWalk
from texml_mcp.gate import approvals, confirm, external
from texml_mcp.gate.store import SqliteStore

pytestmark = pytest.mark.anyio

# The longer run: TEXML_SECURITY_STEPS=1000000 pytest tests/security/test_machine.py
STEPS = int(os.environ.get("TEXML_SECURITY_STEPS", "20000"))
WALKS = 8
EVERYDAY = 600
ASKING = [
    *(("token", client) for client in CLIENTS),
    *(("external", client) for client in CLIENTS),
    *(("auto", client) for client in CLIENTS),
    ("strict", "modern form"),
    ("strict", "legacy form"),
]


@pytest.mark.parametrize(
    ("seed", "steps"),
    few([(0, EVERYDAY), *((seed, STEPS // WALKS) for seed in range(WALKS))], 1),
)
async def test_no_more_leaves_than_was_approved(seed: int, steps: int, tmp_path: Path) -> None:
    walk = Walk(seed, tmp_path, audited=seed == 0)
    try:
        await walk.run(steps)
    finally:
        walk.close()
    assert walk.sent == walk.approved == walk.upstream.left
    # A walk that approves nothing proves nothing: every way to ask has led to a send.
    assert [each for each in ASKING if not walk.kinds[", ".join(each)]] == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
async def test_no_more_leaves_through_real_clients(seed: int, tmp_path: Path) -> None:
    async with ClientWalk(1000 + seed, tmp_path).connected() as walk:
        await walk.run(max(1000, STEPS // 20))
    assert walk.sent == walk.upstream.left <= walk.approved
    assert walk.sent >= 0.9 * walk.approved
    assert [each for each in ASKING if not walk.kinds[", ".join(each)]] == []


def _kept_after_use(patch: pytest.MonkeyPatch) -> None:
    def take(store: SqliteStore, space: str, key: str) -> Any:
        item = store.get(space, key)
        return None if item is None else item.value

    patch.setattr(SqliteStore, "take", take)


def _taken_for_a_yes(patch: pytest.MonkeyPatch, wrong: approvals.Redeemed) -> None:
    redeem = approvals.Approvals.redeem

    def lenient(self: approvals.Approvals, *given: str) -> approvals.Redeemed:
        found = redeem(self, *given)
        return approvals.Redeemed.OK if found is wrong else found

    patch.setattr(approvals.Approvals, "redeem", lenient)


def _never_expires(patch: pytest.MonkeyPatch) -> None:
    _taken_for_a_yes(patch, approvals.Redeemed.EXPIRED)


def _for_any_call(patch: pytest.MonkeyPatch) -> None:
    _taken_for_a_yes(patch, approvals.Redeemed.OTHER_CALL)


def _for_any_state(patch: pytest.MonkeyPatch) -> None:
    _taken_for_a_yes(patch, approvals.Redeemed.OTHER_STATE)


def _arguments_not_bound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("texml_mcp.writing.binding", lambda tool, wire, principal: f"{tool} {principal}")


def _principal_not_bound(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("texml_mcp.writing.binding", lambda tool, wire, _: approvals.binding(tool, wire, ""))


def _accept_without_tick(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(confirm.Answer, "approves", property(lambda answer: answer.action == "accept"))


def _form_state_is_a_token(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(confirm, "_on_form", lambda question: question.bound_to)


def _external_used_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(external.Queue, "use", lambda queue, waiting: True)


@pytest.mark.parametrize(
    "plant",
    [
        _kept_after_use,
        _never_expires,
        _for_any_call,
        _for_any_state,
        _arguments_not_bound,
        _principal_not_bound,
        _accept_without_tick,
        _form_state_is_a_token,
        _external_used_twice,
    ],
)
async def test_the_walk_finds_a_planted_fault(
    plant: Callable[[pytest.MonkeyPatch], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    walk = Walk(7, tmp_path)
    try:
        with pytest.raises(Violation):
            await walk.run(2500)
    finally:
        walk.close()
