"""Deciding in a browser: what an approver reads, what the answer does, and who may give it."""

from __future__ import annotations

import threading
import time
from html import unescape
from pathlib import Path

import httpx
import pytest

from tests import redis_server
from tests.server.pages.office import ACCOUNT_SID, CALL, Browser, Office, words
from texml_mcp.cli import approvals as cli
from texml_mcp.gate import audit
from texml_mcp.gate.external import WAIT_SECONDS, Queue
from texml_mcp.gate.state import State


def trail(office: Office) -> list[dict[str, object]]:
    path = office.where / "state" / "audit.jsonl"
    assert audit.verify(path).ok
    return audit.tail(path, 50)


def test_the_list_tells_what_would_happen_oldest_first(office: Office) -> None:
    document = "<Response><Say>Hello &amp; goodbye</Say></Response>"
    first = office.ask(Texml=document, SipAuthUsername="desk", SipAuthPassword="hunter2hunter2", **CALL)
    second = office.ask("delete_queue", by="otto", queue_sid="billing")
    page = office.signed_in("bob").get("/approvals")
    text = words(page)
    assert text.startswith("(2) Approvals")
    assert page.text.index(first.id) < page.text.index(second.id)
    for told in (
        "Place a call",
        "Rings a phone and bills minutes; a person's phone rings",
        "local time",
        "Asked by assistant",
        f"Account {ACCOUNT_SID}",
        "Tool create_call",
        f"POST /texml/Accounts/{ACCOUNT_SID}/Calls",
        "To +13125550142 From +13125550100",
        "59 min left",
        "spends interrupts",
        "destroys interrupts",
        'Queue "billing" has 0 callers waiting',
        f"DELETE /texml/Accounts/{ACCOUNT_SID}/Queues/billing",
        "Asked by otto",
    ):
        assert told in text, told
    assert document in unescape(page.text), "the document stands there exactly"
    assert "hunter2" not in page.text
    assert "SipAuthPassword ***" in text


def test_what_speaks_against_a_call_is_not_among_the_small_print(office: Office) -> None:
    office.queue.settle(office.ask().id, "cleo", approve=True)
    assert office.do().status == "ok"
    office.ask()
    page = office.signed_in("bob").get("/approvals").text
    warnings = page.partition('<ul class="warnings"')[2].partition("</ul>")[0]
    assert "this would be a second one" in warnings


def test_an_approval_lets_the_call_run_once_and_leaves_the_trail_of_the_command_line(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    answer = bob.answer(waiting.id, "approve", "agreed by phone")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/approvals/{waiting.id}")
    assert "Approved by bob at" in words(bob.get(answer.headers["location"]))
    assert office.do().status == "ok"
    assert "Approved by bob at" in words(bob.get(f"/approvals/{waiting.id}")), "used, and still told"
    by_hand = office.ask()
    there = State(office.where / "state")
    assert cli.settle(there, by_hand.id, approve=True, by="dana", reason="by hand") == 0
    lines = trail(office)
    page, hand = (line for line in lines if line["event"] == "approved")
    assert {**page, **dict.fromkeys(("seq", "at", "prev", "hash", "subject"))} == {
        **hand,
        **dict.fromkeys(("seq", "at", "prev", "hash", "subject")),
        "principal": "bob",
        "approval": page["approval"],
        "why": "asked by assistant: agreed by phone",
    }
    assert page["approval"]["kind"] == hand["approval"]["kind"] == "external"  # type: ignore[index]
    sending = next(line for line in lines if line["event"] == "sending")
    assert sending["approval"] == page["approval"], "which decision let it leave can be proved"


def test_a_denial_says_why_and_whoever_asked_is_told(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    assert bob.answer(waiting.id, "deny", "not\r\nbefore  noon").status_code == 303
    assert "Denied by bob" in words(bob.get(f"/approvals/{waiting.id}"))
    told = office.do()
    assert told.status == "declined"
    assert "bob said no. Reason: not before noon." in told.summary
    assert [line["why"] for line in trail(office) if line["event"] == "denied"] == [
        "asked by assistant: not before noon"
    ]


@pytest.mark.parametrize(
    ("decision", "reason", "told"),
    [
        ("deny", "", "Say why you deny it"),
        ("deny", " \r\n\t", "Say why you deny it"),
        ("deny", "\u202e\u200b", "Say why you deny it"),
        ("deny", "x" * 201, "at most 200 characters"),
        ("approve", "x" * 201, "at most 200 characters"),
    ],
)
def test_a_reason_that_will_not_do_settles_nothing_and_is_not_lost(
    office: Office, decision: str, reason: str, told: str
) -> None:
    waiting = office.ask()
    answer = office.signed_in("bob").answer(waiting.id, decision, reason)
    assert answer.status_code == 422
    assert told in words(answer)
    assert "Nothing was settled" in words(answer)
    assert reason.strip() in answer.text
    assert office.queue.listed() == [waiting]


def test_two_hundred_characters_are_a_reason(office: Office) -> None:
    waiting = office.ask()
    assert office.signed_in("bob").answer(waiting.id, "deny", "é\r\n" * 100).status_code == 303
    settled = office.queue.told(waiting.id)
    assert settled is not None
    assert settled.reason == " ".join("é" * 100)


@pytest.mark.parametrize("decision", ["", "yes", "approve,deny", "APPROVE", "\x00"])
def test_neither_button_is_no_answer(office: Office, decision: str) -> None:
    waiting = office.ask()
    assert office.signed_in("bob").answer(waiting.id, decision, "because").status_code == 400
    assert office.queue.listed() == [waiting]


def test_nobody_settles_what_they_asked_for(office: Office) -> None:
    mine = office.ask(by="bob")
    bob = office.signed_in("bob")
    page = bob.get("/approvals")
    assert "You asked for this, so somebody else must decide." in words(page)
    assert words(page).startswith("Approvals"), "it is not counted among what bob can settle"
    assert f'action="/approvals/{mine.id}"' not in page.text
    answer = bob.answer(mine.id, "approve", "me")
    assert answer.status_code == 409
    assert "Whoever asked cannot settle it: somebody else must." in words(answer)
    assert office.do(by="bob").status == "approval_pending"
    assert office.signed_in("cleo").answer(mine.id, "approve").status_code == 303
    assert office.do(by="bob").status == "ok"


def test_of_two_approvers_at_once_one_wins_and_the_other_is_told_who(office: Office) -> None:
    for _ in range(5):
        waiting = office.ask()
        people = {"bob": "approve", "cleo": "deny"}
        browsers = {name: office.signed_in(name) for name in people}
        forms = {name: browser.csrf() for name, browser in browsers.items()}
        start = threading.Barrier(len(people))
        answers: dict[str, httpx.Response] = {}

        def answer(name: str) -> None:
            fields = {"csrf": forms[name], "decision": people[name], "reason": f"by {name}"}  # noqa: B023
            start.wait()  # noqa: B023
            answers[name] = browsers[name].submit(f"/approvals/{waiting.id}", fields)  # noqa: B023

        threads = [threading.Thread(target=answer, args=(name,)) for name in people]
        for each in threads:
            each.start()
        for each in threads:
            each.join(20)
        assert sorted(each.status_code for each in answers.values()) == [303, 409]
        winner, loser = sorted(people, key=lambda name: answers[name].status_code)
        settled = office.queue.told(waiting.id)
        assert settled is not None
        assert (settled.by, settled.reason) == (winner, f"by {winner}")
        assert f"by {winner}" in words(answers[loser])
        assert "Your answer was not taken" in words(answers[loser])
        assert office.do().status == ("ok" if people[winner] == "approve" else "declined")


def test_what_expired_meanwhile_is_told(office: Office) -> None:
    long_ago = Queue(office.state, clock=lambda: time.time() - WAIT_SECONDS - 5)
    gone = long_ago.ask("create_call", "assistant", "bound", "", "Place a call: rings.", ["spends: money"])
    bob = office.signed_in("bob")
    page = words(bob.get(f"/approvals/{gone.id}"))
    assert "Expired: nobody answered in time. Nothing was sent." in page
    assert "Nothing waits" in words(bob.get("/approvals"))


def test_an_answer_that_comes_after_the_time_is_refused(office: Office) -> None:
    nearly = Queue(office.state, clock=lambda: time.time() - WAIT_SECONDS + 1)
    waiting = nearly.ask(
        "create_call", "assistant", "bound", "", "Place a call: rings.", [], account=ACCOUNT_SID
    )
    bob = office.signed_in("bob")
    form = bob.csrf()
    while time.time() < waiting.until:
        time.sleep(0.05)
    answer = bob.submit(f"/approvals/{waiting.id}", {"csrf": form, "decision": "approve", "reason": ""})
    assert answer.status_code == 409
    assert f"Request {waiting.id} has expired" in words(answer)


def test_only_approvers_see_what_waits(office: Office) -> None:
    waiting = office.ask()
    for name in ("otto", "vera"):
        browser = office.signed_in(name)
        for path in ("/approvals", f"/approvals/{waiting.id}"):
            assert browser.get(path).status_code == 403
            assert "Approvers decide here" in words(browser.get(path))
        assert browser.answer(waiting.id, "approve").status_code == 403
        assert 'href="/approvals"' not in browser.get("/board").text
    assert office.signed_in("ada").answer(waiting.id, "approve").status_code == 303


def test_an_approver_for_other_accounts_sees_nothing_of_this_one(office: Office) -> None:
    waiting = office.ask()
    unplaced = office.queue.ask("create_call", "assistant", "no account", "", "Place a call: rings.", [])
    browser = office.signed_in("elsewhere")
    assert "Nothing waits" in words(browser.get("/approvals"))
    for id in (waiting.id, unplaced.id):
        assert browser.get(f"/approvals/{id}").status_code == 404
        assert browser.answer(id, "approve").status_code == 404
    assert len(office.queue.listed()) == 2


def test_a_request_from_before_an_upgrade_or_after_one_is_shown(office: Office) -> None:
    waiting = office.queue.ask(
        "create_call", "assistant", "old", "", "Place a call: rings.", ["spends: money"]
    )
    item = office.state.store.get("external/requests", waiting.id)
    assert item is not None
    old = {
        name: held
        for name, held in item.value.items()
        if name not in ("request", "account", "account_label", "settled_at")
    }
    old |= {"tool": "a_tool_of_tomorrow", "invented_later": [1]}
    assert office.state.store.replace("external/requests", waiting.id, item.version, old)
    page = words(office.signed_in("bob").get("/approvals"))
    assert "a_tool_of_tomorrow" in page
    assert "The exact request was not kept with this question." in page
    assert office.signed_in("bob").answer(waiting.id, "approve").status_code == 303


def test_an_unchanged_page_is_not_sent_again(office: Office) -> None:
    office.ask()
    bob = office.signed_in("bob")
    tag = bob.get("/approvals").headers["etag"]
    again = bob.get("/approvals", headers={"If-None-Match": tag, "X-Live": "idle"})
    assert (again.status_code, again.content) == (304, b"")
    office.ask(**(CALL | {"To": "+13125550143"}))
    assert bob.get("/approvals", headers={"If-None-Match": tag}).status_code == 200


def test_what_is_decided_on_one_replica_is_seen_on_another(tmp_path: Path) -> None:
    with Office(tmp_path).open() as one, Office(tmp_path).open() as two:
        waiting = one.ask()
        bob = one.signed_in("bob")
        there = Browser(two.url)
        there.cookies.update(bob.cookies)
        assert waiting.id in there.get("/approvals").text
        assert there.answer(waiting.id, "approve").status_code == 303
        assert "Approved by bob" in words(bob.get(f"/approvals/{waiting.id}"))
        assert one.do().status == "ok"


@pytest.mark.skipif(not redis_server.installed(), reason=redis_server.REASON)
def test_replicas_on_other_machines_share_all_of_it_over_redis(tmp_path: Path) -> None:
    redis = redis_server.RedisServer(tmp_path).start()
    try:
        first = Office(tmp_path, store=redis.url, state_dir="first")
        second = Office(tmp_path, store=redis.url, state_dir="second")
        with first.open() as one, second.open() as two:
            waiting = one.ask()
            bob = one.signed_in("bob")
            there = Browser(two.url)
            there.cookies.update(bob.cookies)
            assert waiting.id in there.get("/approvals").text
            assert there.answer(waiting.id, "approve", "over there").status_code == 303
            assert "Approved by bob" in words(bob.get("/board"))
            assert [one.do().status, two.do().status] == ["ok", "approval_pending"]
            denied = two.queue.listed()[0]
            assert bob.answer(denied.id, "deny", "once is enough").status_code == 303
            told = words(there.get("/board")).partition("Recent decisions")[2]
            assert told.index("once is enough") < told.index("Approved by bob"), "the newest first"
            assert there.submit("/sign-out", {"csrf": there.csrf()}).status_code == 303
            assert bob.get("/approvals").status_code == 303
            cleo = one.signed_in("cleo")
            redis.kill()
            assert cleo.get("/approvals").status_code == 503
    finally:
        redis.kill()


def test_without_the_store_nothing_is_settled_and_the_page_says_so(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    form = bob.csrf()
    office.state.close()
    page = bob.get("/approvals")
    assert page.status_code == 503
    assert "The records cannot be used" in words(page)
    answer = bob.submit(f"/approvals/{waiting.id}", {"csrf": form, "decision": "approve", "reason": ""})
    assert answer.status_code == 503
    assert "Nobody knows whether your answer was kept" in words(answer)
    assert office.browser().sign_in(office.token["cleo"]).status_code == 503
