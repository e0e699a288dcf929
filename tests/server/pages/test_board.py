"""The live board: what it shows to whom, how little it asks the API, and what it says when that fails."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from html import unescape
from pathlib import Path

import anyio
import httpx
import pytest

from tests.e2e.conftest import Counting
from tests.lengths import few
from tests.server.pages.office import ACCOUNT_SID, CALL, ELSEWHERE, Office, words
from tests.server.pages.test_fences import HOSTILE, assert_inert
from texml_mcp.call import Services
from texml_mcp.gate.external import WAIT_SECONDS, Queue
from texml_mcp.gate.rate import RateLimit
from texml_mcp.identity import Principal
from texml_mcp.sandbox import Worlds
from texml_mcp.text import clean


class Reads(Counting):
    """The sandbox, and how often each list was read."""

    def __init__(self) -> None:
        super().__init__(Worlds())
        self.lists: list[str] = []
        self.failure: Exception | None = None
        self.status = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.failure is not None:
            raise self.failure
        if self.status:
            return httpx.Response(self.status, json={"errors": [{"detail": "<b>upstream</b>"}]})
        self.lists.append(f"{request.url.path.rsplit('/', 1)[-1]}?{request.url.query.decode()}")
        return await super().handle_async_request(request)


@pytest.fixture
def reads(office: Office) -> Reads:
    reads = Reads()
    office.services.upstream._transport = reads  # pyright: ignore[reportPrivateUsage]
    return reads


def test_it_shows_calls_conferences_and_queues(office: Office) -> None:
    text = words(office.signed_in("vera").get("/board"))
    for told in (
        "+13125550100 +13125550191 ringing outbound",
        "+13125550190 in-progress",
        "care-team 3 in it +13125550170 +13125550171 +13125550172 muted",
        "support 3 waiting of at most 10",
        f"Account {ACCOUNT_SID}",
        "Nothing was decided in the last hours.",
    ):
        assert told in text, told
    assert "completed" not in text, "only what is going on"


def test_however_many_look_the_api_is_read_once(office: Office, reads: Reads) -> None:
    browsers = [office.signed_in(name) for name in ("ada", "bob", "cleo", "otto", "vera")] * 4
    start = threading.Barrier(len(browsers))
    pages: list[str] = []

    def look(browser: httpx.Client) -> None:
        start.wait()
        pages.append(words(httpx.get(f"{office.url}/board", cookies=browser.cookies)))

    threads = [threading.Thread(target=look, args=(each,)) for each in browsers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert len(pages) == len(browsers)
    assert all("care-team 3 in it" in page for page in pages)
    # A cold start on a slow machine may take longer than a reading is kept; it is never one a person.
    assert 4 <= len(reads.lists) <= 12, reads.lists


def test_a_board_left_open_does_not_use_up_the_calls_of_its_owner(office: Office) -> None:
    office.services.rate = RateLimit(office.state, 5)
    vera = office.signed_in("vera")
    assert "care-team 3 in it" in words(vera.get("/board"))
    services = office.reach.of_principal(Principal("vera", "viewer"))
    assert services.rate is not None
    taken = [anyio.run(services.rate.wait, "vera") for _ in range(5)]
    assert taken == [0.0] * 5


def test_nothing_is_read_while_nobody_looks(office: Office, reads: Reads) -> None:
    office.signed_in("vera").get("/sign-in")
    time.sleep(0.3)
    assert reads.lists == []


@pytest.mark.parametrize(
    ("failure", "status"),
    few(
        [
            (None, 401),
            (None, 404),
            (None, 500),
            (httpx.ConnectError("refused"), 0),
            (httpx.ReadTimeout("slow"), 0),
        ],
        2,
    ),
)
def test_a_failing_api_is_told_in_words(
    office: Office, reads: Reads, failure: Exception | None, status: int
) -> None:
    reads.failure, reads.status = failure, status
    waiting = office.queue.ask("create_queue", "vera", "x", "", "Create a queue.", [], account=ACCOUNT_SID)
    office.queue.settle(waiting.id, "bob", approve=False, reason="no")
    page = office.signed_in("vera").get("/board")
    assert page.status_code == 200
    assert page.text.count('<p class="problem">') == 3
    assert "Nobody is on the phone" not in page.text, "not knowing is not nothing"
    assert "Denied by bob" in words(page), "the rest of the board stands"
    assert "<b>upstream" not in page.text


def test_a_slow_api_does_not_hold_up_the_board(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from texml_mcp.server.pages import looking

    class Slow(Reads):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep(30)
            return await super().handle_async_request(request)

    monkeypatch.setattr(looking, "LONGEST_SECONDS", 0.5)
    office.services.upstream._transport = Slow()  # pyright: ignore[reportPrivateUsage]
    page = office.signed_in("vera").get("/board")
    assert "The API did not answer within" in words(page)


def test_decisions_are_told_to_those_they_concern(office: Office) -> None:
    denied = office.ask(by="otto")
    office.queue.settle(denied.id, "bob", approve=False, reason="not today")
    approved = office.ask(by="assistant", **(CALL | {"To": "+13125550143"}))
    office.queue.settle(approved.id, "cleo", approve=True)
    late = Queue(office.state, clock=lambda: time.time() - WAIT_SECONDS - 60)
    late.ask(
        "delete_queue", "vera", "late", "", "Delete a queue: gone.", ["destroys: gone"], account=ACCOUNT_SID
    )

    def decided(name: str) -> str:
        return words(office.signed_in(name).get("/board")).partition("Recent decisions ")[2]

    everything = decided("ada")
    assert everything.startswith("everybody's")
    assert "for otto Denied by bob at" in everything
    assert "not today" in everything
    assert "+13125550143 for assistant Approved by cleo at" in everything
    assert "Delete a queue for vera Expired" in everything
    assert "not today" in decided("otto")
    assert "cleo" not in decided("otto")
    assert "not today" in decided("bob")
    assert "cleo" not in decided("bob")
    assert "Approved by cleo" in decided("cleo")
    assert "Expired" in decided("vera")
    assert "Nothing was decided" in decided("elsewhere")


def test_what_a_principal_may_not_read_is_not_shown_from_anybody_elses_reading(tmp_path: Path) -> None:
    class Narrow(Office):
        def _services_for(self, principal: Principal) -> Services:
            services = super()._services_for(principal)
            if principal.name != "vera":
                return services
            return replace(
                services, offered=services.offered - {"list_calls", "list_conference_participants"}
            )

    with Narrow(tmp_path).open() as office:
        assert "+13125550191" in words(office.signed_in("otto").get("/board"))
        text = words(office.signed_in("vera").get("/board"))
        assert "+1312555" not in text
        assert "Your role or policy does not let you read this." in text
        assert "support 3 waiting" in text


def test_a_policy_that_denies_a_read_counts_here_too(tmp_path: Path) -> None:
    from texml_mcp.server.services import build_judge
    from texml_mcp.settings import load

    policy = tmp_path / "policy.toml"
    policy.write_text(
        'version = 1\n[[rules]]\nname = "no-calls"\naction = "deny"\ntools = ["list_calls"]\n'
        'reason = "Calls are nobody\'s business."\n'
    )
    with Office(tmp_path).open() as office:
        settings = load(sandbox=True, policy=str(policy), state_dir=tmp_path / "state")
        office.services.judge = build_judge(settings, office.state)
        text = words(office.signed_in("ada").get("/board"))
        assert "does not let you read this" in text
        assert "ringing" not in text


def test_only_ones_own_accounts_can_be_chosen(office: Office, reads: Reads) -> None:
    browser = office.signed_in("elsewhere")
    text = words(browser.get("/board"))
    assert f"Account {ELSEWHERE}" in text
    assert "+1312555" not in text
    before = len(reads.lists)
    for account in (ACCOUNT_SID, "../../../v2/whoami", "x" * 3000, "\u202e"):
        page = browser.get("/board", params={"account": account})
        assert "That account is not one of yours" in words(page)
        assert "care-team" not in page.text
    assert len(reads.lists) <= before + 6, "another account is not even asked about"


def test_who_has_several_accounts_chooses_among_them(office: Office, reads: Reads) -> None:
    browser = office.signed_in("both")
    first = browser.get("/board")
    assert re.search(rf'<option value="{ELSEWHERE}" selected>', first.text)
    assert "care-team" not in first.text
    chosen = browser.get("/board", params={"account": ACCOUNT_SID})
    assert re.search(rf'<option value="{ACCOUNT_SID}" selected>', chosen.text)
    assert "care-team" in chosen.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_names_that_others_chose_are_only_words(office: Office, hostile: str) -> None:
    """An API that answers an attacker's words in every field, numbers and identifiers included."""
    fields = ("sid", "call_sid", "from", "to", "caller_name", "direction", "friendly_name", "label")
    record = dict.fromkeys(fields, hostile) | {"status": "in-progress", "duration": hostile, "muted": hostile}
    queue = {"sid": hostile, "current_size": hostile, "max_size": 3, "average_wait_time": 1}

    def answer(request: httpx.Request) -> httpx.Response:
        what = request.url.path.rsplit("/", 1)[-1].lower()
        return httpx.Response(200, json={what: [queue if what == "queues" else record], "page_size": 20})

    transport = httpx.MockTransport(answer)
    office.services.upstream._transport = transport  # pyright: ignore[reportPrivateUsage]
    page = office.signed_in("vera").get("/board")
    assert page.status_code == 200
    assert_inert(page.text)
    assert unescape(page.text).count(clean(hostile)) >= 5
