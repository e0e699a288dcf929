"""The pages as a person has them: headless Chromium, where it is installed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.server.pages.chromium import CHROMIUM, Chromium, Tab
from tests.server.pages.office import ACCOUNT_SID, CALL, Office
from tests.server.pages.test_fences import HOSTILE
from texml_mcp.gate.external import WAIT_SECONDS, Queue, Waiting
from texml_mcp.identity import editing as tokens

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]

PNG = b"\x89PNG\r\n\x1a\n"
OTHER = CALL | {"To": "+13125550143"}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def sign_in(tab: Tab, office: Office, name: str, to: str = "/approvals") -> None:
    tab.go(f"{office.url}/sign-in?next={to}")
    tab.focus("#token")
    tab.type(office.token[name])
    tab.press("Enter", 13, "\r")
    tab.until(f"location.pathname === '{to}' && document.readyState === 'complete'")


def card(waiting: Waiting) -> str:
    return f"#request-{waiting.id}"


def tops(tab: Tab) -> list[float]:
    """Where each card stands."""
    return tab.run("[...document.querySelectorAll('[data-request]')].map(e => e.getBoundingClientRect().top)")


def settled(office: Office, waiting: Waiting) -> str:
    """What has become of a request, once something has."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        told = office.queue.told(waiting.id)
        if told is not None and told.standing != "waiting":
            return f"{told.standing} by {told.by}: {told.reason}"
        time.sleep(0.05)
    return "waiting"


def test_a_request_is_approved_with_the_keyboard_alone(office: Office, chromium: Chromium) -> None:
    waiting = office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tab.focus(f"{card(waiting)} textarea")
    tab.type("checked with the clinic")
    tab.press("Tab", 9)
    assert tab.run("document.activeElement.value") == "approve"
    outline = tab.run("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "where the focus is can be seen"
    tab.press("Enter", 13, "\r")
    tab.until(f"location.pathname === '/approvals/{waiting.id}'")
    tab.until("document.body.innerText.includes('Approved by bob at')")
    assert settled(office, waiting) == "approved by bob: checked with the clinic"
    assert office.do().status == "ok"
    assert tab.complaints() == []


def test_a_denial_without_a_reason_does_not_leave_the_browser(office: Office, chromium: Chromium) -> None:
    waiting = office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tab.click(f"{card(waiting)} .deny")
    assert tab.run("document.activeElement.name") == "reason", "the browser shows what is missing"
    assert tab.run("location.pathname") == "/approvals"
    tab.type("the office is closed")
    tab.click(f"{card(waiting)} .deny")
    tab.until("document.body.innerText.includes('Denied by bob')")
    assert settled(office, waiting) == "denied by bob: the office is closed"


def test_enter_in_the_reason_decides_nothing(office: Office, chromium: Chromium) -> None:
    waiting = office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tab.focus(f"{card(waiting)} textarea")
    tab.type("first line")
    tab.press("Enter", 13, "\r")
    tab.type("second line")
    assert tab.run("document.activeElement.value") == "first line\nsecond line"
    assert office.queue.listed() == [waiting]


def test_a_new_request_arrives_while_somebody_types(office: Office, chromium: Chromium) -> None:
    first = office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tab.until("document.title.startsWith('(1)')")
    tab.run("window.mark = 'not loaded again'")
    tab.focus(f"{card(first)} textarea")
    tab.type("half a sen")
    place = tops(tab)
    second = office.ask(**OTHER)
    tab.until(f"document.querySelector('{card(second)}')")
    tab.type("tence")
    assert tab.run("[document.activeElement.value, document.activeElement.selectionStart]") == [
        "half a sentence",
        15,
    ]
    assert tab.run("window.mark") == "not loaded again"
    assert tops(tab)[0] == place[0]
    assert tab.run("document.title").startswith("(2) Approvals")
    assert tab.text("#count") == "2"
    assert tab.run("document.querySelector('#told').getAttribute('aria-live')") == "polite"
    assert tab.text("#told") == "New request: Place a call +13125550143"
    tab.focus(f"{card(second)} textarea")
    tab.type("fine")
    tab.click(f"{card(second)} .approve")
    assert settled(office, second) == "approved by bob: fine"


def test_a_request_that_somebody_else_settles_stays_in_place_and_cannot_be_pressed(
    office: Office, chromium: Chromium
) -> None:
    first, second = office.ask(), office.ask(**OTHER)
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tab.focus(f"{card(first)} textarea")
    tab.type("I am still thinking")
    place = tops(tab)
    office.queue.settle(first.id, "cleo", approve=False, reason="wrong number")
    tab.until(f"document.querySelector('{card(first)} .verdict')")
    assert tab.text(f"{card(first)} .verdict").startswith("Denied by cleo at")
    assert tops(tab) == place, "nothing moves under the mouse"
    assert tab.run(f"document.querySelector('{card(first)} textarea').value") == "I am still thinking"
    assert "Denied by cleo" in tab.text("#told")
    tab.until("document.title.startsWith('(1)')")
    tab.click(f"{card(first)} .approve")
    tab.run(f"document.querySelector('{card(first)} .approve').click()")
    tab.until("document.querySelector('#count').textContent.trim() === '1'")
    assert tab.run("location.pathname") == "/approvals"
    assert office.queue.listed() == [second]
    assert office.do().status == "declined"


def test_time_runs_out_before_the_eyes(office: Office, chromium: Chromium) -> None:
    nearly = Queue(office.state, clock=lambda: time.time() - WAIT_SECONDS + 6)
    waiting = nearly.ask(
        "create_call",
        "assistant",
        "soon",
        "",
        "Place a call: rings.",
        ["interrupts: rings"],
        account=ACCOUNT_SID,
    )
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    left = f"document.querySelector('{card(waiting)} .left')"
    tab.until(f"/^0:0\\d left$/.test({left}.textContent) && {left}.classList.contains('soon')")
    tab.until(f"document.querySelector('{card(waiting)} .verdict')?.textContent.startsWith('Expired')")


def test_ones_own_request_has_no_buttons(office: Office, chromium: Chromium) -> None:
    mine = office.ask(by="bob")
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    assert "somebody else must decide" in tab.text(card(mine))
    assert tab.run(f"document.querySelectorAll('{card(mine)} button').length") == 0
    assert tab.text("#count") == "0"


def test_a_page_that_is_no_longer_live_says_so(office: Office, chromium: Chromium, tmp_path: Path) -> None:
    office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tokens.revoke(office.tokens_file, "bob")
    tab.until("document.querySelector('#trouble').innerText.includes('Your session has ended')")
    there = tmp_path / "there"
    there.mkdir()
    with Office(there).open() as other:
        sign_in(tab, other, "bob", "/board")
    tab.until("document.querySelector('#trouble').innerText.includes('Not live')")


def test_everything_works_without_script(office: Office, chromium: Chromium) -> None:
    first, second = office.ask(), office.ask(**OTHER)
    tab = chromium.tab(script=False)
    tab.go(f"{office.url}/approvals")
    tab.focus("#token")
    tab.type(office.token["bob"])
    tab.click("button.primary")
    tab.until(f"document.querySelector('{card(first)}')")
    assert "59 min left" in tab.text(card(first))
    tab.click(f"{card(first)} .approve")
    assert settled(office, first).startswith("approved by bob")
    tab.go(f"{office.url}/approvals/{second.id}")
    tab.focus("textarea")
    tab.type("no")
    tab.click(".deny")
    assert settled(office, second) == "denied by bob: no"
    tab.go(f"{office.url}/board")
    assert "care-team" in tab.text()


def test_a_link_in_a_chat_leads_straight_to_the_request(office: Office, chromium: Chromium) -> None:
    waiting = office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    link = f"<a id=go href='{office.url}/approvals/{waiting.id}'>approve?</a>"
    tab.go(f"data:text/html,{quote(link)}")
    tab.click("#go")
    tab.until(f"location.pathname === '/approvals/{waiting.id}' && document.querySelector('.approve')")


def test_no_page_can_be_framed_or_sent_from_elsewhere(office: Office, chromium: Chromium) -> None:
    waiting = office.ask()
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    form = (
        f"<iframe src='{office.url}/approvals/{waiting.id}'></iframe>"
        f"<form method=post action='{office.url}/approvals/{waiting.id}'>"
        "<input name=decision value=approve><button>win a prize</button></form>"
    )
    tab.go(f"data:text/html,{quote(form)}")
    tab.until("frames.length === 1 && document.readyState === 'complete'")
    frame = chromium.frame(f"{office.url}/approvals/{waiting.id}")
    frame.until("document.readyState === 'complete' && location.href.startsWith('chrome-error:')")
    assert frame.run("document.querySelector('main')") is None
    tab.click("button")
    tab.until("document.body.innerText.includes('Your session has ended')")
    assert office.queue.listed() == [waiting]


def test_hostile_words_do_nothing_in_a_real_browser(office: Office, chromium: Chromium) -> None:
    for number, hostile in enumerate(HOSTILE):
        office.queue.ask(
            "create_call",
            hostile,
            f"bound {number}",
            "",
            f"Place a call: {hostile}. {hostile} Exactly: {hostile}.",
            [f"spends: {hostile}"],
            request={"method": "POST", "path": hostile, "body": {"To": hostile, hostile: hostile}},
            account=ACCOUNT_SID,
            account_label=hostile,
        )
    assert office.do("create_queue", FriendlyName=HOSTILE[0], MaxSize=3).status == "ok"
    tab = chromium.tab()
    sign_in(tab, office, "bob")
    tab.until(f"document.title.startsWith('({len(HOSTILE)})')")
    # What arrives by script must be as inert as what came with the page.
    late = office.queue.ask(
        "create_call",
        HOSTILE[1],
        "late",
        "",
        HOSTILE[0],
        [],
        account=ACCOUNT_SID,
        request={"body": {"To": HOSTILE[1]}},
    )
    tab.until(f"document.querySelector('{card(late)}')")
    assert HOSTILE[1] in tab.text(card(late))
    tab.go(f"{office.url}/board")
    assert HOSTILE[0] in tab.text()
    assert tab.run("document.title").startswith("Board")
    assert tab.complaints() == []


def test_the_board_moves_by_itself(office: Office, chromium: Chromium) -> None:
    tab = chromium.tab()
    sign_in(tab, office, "vera", "/board")
    tab.run("window.mark = 'not loaded again'")
    seconds = "document.querySelector('#calls tbody tr:last-child [data-count]').textContent"
    before = tab.run(seconds)
    tab.until(f"{seconds} !== '{before}'")
    assert office.do("create_queue", FriendlyName="night shift", MaxSize=3).status == "ok"
    tab.until("document.querySelector('#queues').innerText.includes('night shift')")
    assert tab.run("window.mark") == "not loaded again"
    assert tab.complaints() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1200, 1000), (390, 844), (320, 600)])
def test_it_can_be_read_on_every_screen(
    office: Office, chromium: Chromium, tmp_path: Path, width: int, height: int, dark: bool
) -> None:
    waiting = office.ask(Texml="<Response><Say>" + "word " * 400 + "</Say></Response>", **CALL)
    office.ask("delete_queue", queue_sid="billing")
    tab = chromium.tab(width=width, height=height, dark=dark)
    sign_in(tab, office, "both")
    for path in ("/approvals", f"/approvals/{waiting.id}", "/board", "/approvals/00"):
        tab.go(office.url + path)
        assert tab.run("document.documentElement.scrollWidth") <= width, path
        shot = tab.photograph(tmp_path / "shot.png")
        assert shot.startswith(PNG)
        back = tab.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        ink = tab.run("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
        assert (sum(ink) > sum(back)) is dark
    tab.go(f"{office.url}/approvals")
    heights = tab.run("[...document.querySelectorAll('button')].map(e => e.getBoundingClientRect().height)")
    assert min(heights) >= 36, "large enough for a finger"
    sizes = [
        tab.run(f"parseFloat(getComputedStyle(document.querySelector('{part}')).fontSize)")
        for part in ("h2", ".does", ".lead", ".rest")
    ]
    assert sizes == sorted(sizes, reverse=True), "what will happen is the biggest"
