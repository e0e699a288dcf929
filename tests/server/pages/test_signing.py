"""Signing in and out: what the browser keeps, what ends a session, and what an attacker cannot do with it."""

from __future__ import annotations

import time
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import anyio
import httpx
import pytest

from tests.server.pages.office import KEY, OLD_KEY, Browser, Office, words
from texml_mcp.identity import Principal
from texml_mcp.identity import editing as tokens
from texml_mcp.server.pages import approval_url
from texml_mcp.server.pages.sessions import IDLE_SECONDS, SESSION_SECONDS, Sessions
from texml_mcp.server.pages.signing import ATTEMPTS_PER_MINUTE

NAME = "texml-mcp"


def cookie_of(response: httpx.Response, name: str = NAME) -> str:
    return SimpleCookie(response.headers["set-cookie"])[name].value


def with_cookie(office: Office, value: str, name: str = NAME) -> httpx.Response:
    return httpx.get(f"{office.url}/board", headers={"Cookie": f"{name}={value}"})


def is_in(response: httpx.Response) -> bool:
    return response.status_code == 200


def test_a_token_is_exchanged_for_a_cookie_that_no_script_and_no_other_site_gets(office: Office) -> None:
    answer = office.browser().sign_in(office.token["bob"])
    assert answer.status_code == 303
    cookie = SimpleCookie(answer.headers["set-cookie"])[NAME]
    assert cookie["httponly"] is True
    assert cookie["samesite"].lower() == "strict"
    assert cookie["path"] == "/"
    assert int(cookie["max-age"]) == SESSION_SECONDS
    assert not cookie["secure"], "over plain HTTP on loopback the browser would drop it"
    assert office.token["bob"] not in answer.headers["set-cookie"]
    kept = b"".join(path.read_bytes() for path in (office.where / "state").iterdir())
    assert office.token["bob"].encode() not in kept
    assert cookie.value.partition(".")[0].encode() not in kept, "the store alone opens no session"


def test_behind_tls_the_cookie_is_bound_to_this_very_host(tmp_path: Path) -> None:
    with Office(tmp_path, public_url="https://calls.example.com").open() as office:
        browser = office.browser()
        browser.origin = "https://calls.example.com"
        answer = browser.sign_in(office.token["bob"])
        cookie = SimpleCookie(answer.headers["set-cookie"])["__Host-texml-mcp"]
        assert cookie["secure"] is True
        assert cookie["path"] == "/"
        assert not cookie["domain"]
        assert is_in(with_cookie(office, cookie.value, "__Host-texml-mcp"))
        assert not is_in(with_cookie(office, cookie.value)), "another name is another cookie"
        browser.origin = "http://calls.example.com"
        assert browser.sign_in(office.token["bob"]).status_code == 403


@pytest.mark.parametrize(
    "token", ["", "x", "txm_aaaaaaaa_" + "A" * 43, "eyJhbGciOiJub25lIn0.e30.", "\x00", "ü", "x" * 8000]
)
def test_a_wrong_token_lets_nobody_in(office: Office, token: str) -> None:
    answer = office.browser().sign_in(token)
    assert answer.status_code == 401
    assert "No such token" in words(answer)
    assert "set-cookie" not in answer.headers


def test_each_role_begins_where_it_has_something_to_do(office: Office) -> None:
    for name, path in {"bob": "/approvals", "ada": "/approvals", "otto": "/board", "vera": "/board"}.items():
        assert office.browser().sign_in(office.token[name]).headers["location"] == path
    bob = office.signed_in("bob")
    assert bob.get("/sign-in").headers["location"] == "/approvals"


def test_a_session_that_was_planted_is_not_taken_over(office: Office) -> None:
    planted = cookie_of(office.browser().sign_in(office.token["vera"]))
    victim = office.browser()
    victim.cookies.set(NAME, planted, domain="127.0.0.1", path="/")
    fresh = cookie_of(victim.sign_in(office.token["bob"]))
    assert fresh.partition(".")[0] != planted.partition(".")[0]
    assert not is_in(with_cookie(office, planted)), "the one that was there has ended"
    assert is_in(with_cookie(office, fresh))
    made_up = cookie_of(office.browser().sign_in(office.token["bob"]))
    assert made_up != fresh, "every sign-in has an id of its own"


def test_a_cookie_that_was_changed_is_no_cookie(office: Office) -> None:
    good = cookie_of(office.browser().sign_in(office.token["bob"]))
    id, _, mac = good.partition(".")
    other, _, other_mac = cookie_of(office.browser().sign_in(office.token["vera"])).partition(".")
    bad = [
        "",
        id,
        f"{id}.",
        f".{mac}",
        f"{id}.{other_mac}",
        f"{other}.{mac}",
        f"{id[:-1]}{'A' if id[-1] != 'A' else 'B'}.{mac}",
        f"{id}.{mac[:-2]}",
        f"{id}.{mac}.{mac}",
        f"{good}A",
        good.upper(),
        "A" * 5000,
        f"{id}.{'%00' * 10}",
    ]
    assert [each for each in bad if is_in(with_cookie(office, each))] == []
    assert is_in(with_cookie(office, good))


def test_after_signing_out_the_cookie_is_worth_nothing(office: Office) -> None:
    browser = office.browser()
    cookie = cookie_of(browser.sign_in(office.token["bob"]))
    answer = browser.submit("/sign-out", {"csrf": browser.csrf()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert NAME not in browser.cookies
    assert not is_in(with_cookie(office, cookie))
    waiting = office.ask()
    replay = Browser(office.url)
    replay.cookies.set(NAME, cookie, domain="127.0.0.1", path="/")
    sent = replay.submit(f"/approvals/{waiting.id}", {"decision": "approve", "csrf": "x"})
    assert sent.status_code == 401
    assert office.queue.listed() == [waiting]


def test_a_revoked_token_ends_the_sessions_that_it_opened(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    csrf = bob.csrf()
    tokens.revoke(office.tokens_file, "bob")
    fields = {"csrf": csrf, "decision": "approve", "reason": ""}
    assert bob.submit(f"/approvals/{waiting.id}", fields).status_code == 401
    assert bob.get("/approvals").headers["location"] == "/sign-in?next=/approvals"
    assert office.queue.listed() == [waiting]
    # Not even the same name with another token brings the session back.
    tokens.add(office.tokens_file, Principal("bob", "admin"))
    assert bob.get("/approvals").status_code == 303


def test_a_token_that_expires_ends_its_sessions(office: Office) -> None:
    office.token["temp"] = tokens.add(
        office.tokens_file, Principal("temp", "approver"), lifetime=timedelta(hours=1)
    ).token
    temp = office.signed_in("temp")
    assert is_in(temp.get("/approvals"))
    tokens.rotate(office.tokens_file, "temp", lifetime=None, overlap=timedelta(0))
    assert temp.get("/approvals").status_code == 303


def test_a_session_ends_after_a_working_day_and_after_an_idle_hour(office: Office) -> None:
    def opened(ago: float) -> str:
        sessions = Sessions(office.desk, clock=lambda: time.time() - ago)
        session = anyio.run(sessions.open, office.token["bob"])
        assert session is not None
        return sessions.cookie(session)

    assert not is_in(with_cookie(office, opened(SESSION_SECONDS + 1)))
    assert not is_in(with_cookie(office, opened(IDLE_SECONDS + 1)))
    idle = opened(IDLE_SECONDS - 60)

    def seen() -> float:
        return office.state.store.list("pages/sessions", 10)[-1].value["seen"]

    before = seen()
    timer = {"Cookie": f"{NAME}={idle}", "X-Live": "idle"}
    assert is_in(httpx.get(f"{office.url}/board", headers=timer))
    assert seen() == before, "a page that refreshes itself is nobody at the desk"
    assert is_in(with_cookie(office, idle))
    assert seen() > before


def test_cookies_outlive_a_new_key_and_not_the_loss_of_theirs(tmp_path: Path) -> None:
    with Office(tmp_path, keys=(OLD_KEY,)).open() as office:
        cookie = cookie_of(office.browser().sign_in(office.token["bob"]))
    with Office(tmp_path, keys=(KEY, OLD_KEY)).open() as office:
        assert is_in(with_cookie(office, cookie))
    with Office(tmp_path, keys=(KEY,)).open() as office:
        assert not is_in(with_cookie(office, cookie))


@pytest.mark.parametrize("keys", [(), (b"short",), (KEY, b"")])
def test_pages_are_not_served_with_keys_that_protect_nothing(tmp_path: Path, keys: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"), Office(tmp_path, keys=keys).open():
        pass  # pragma: no cover


def test_replicas_share_sessions(tmp_path: Path) -> None:
    with Office(tmp_path).open() as one, Office(tmp_path).open() as two:
        bob = one.signed_in("bob")
        cookie = bob.cookies[NAME]
        assert is_in(with_cookie(two, cookie))
        assert bob.submit("/sign-out", {"csrf": bob.csrf()}).status_code == 303
        assert not is_in(with_cookie(two, cookie))


def test_guessing_is_slowed_down(office: Office) -> None:
    browser = office.browser()
    answers = [browser.sign_in("guess").status_code for _ in range(ATTEMPTS_PER_MINUTE + 1)]
    assert answers[:ATTEMPTS_PER_MINUTE] == [401] * ATTEMPTS_PER_MINUTE
    limited = browser.sign_in(office.token["bob"])
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert "Try again in" in words(limited)


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/%2f/evil.example",
        "javascript:alert(1)",
        "/approvals/../../evil",
        "/approvals\r\nSet-Cookie: a=b",
        "/sign-out",
        "/board?x=//evil.example",
        "/approvals/" + "a" * 65,
        " /board",
        "/board\n",
    ],
)
def test_signing_in_leads_nowhere_else(office: Office, next: str) -> None:
    asked = office.browser().get("/sign-in", params={"next": next})
    assert 'name="next" value=""' in asked.text
    answer = office.browser().sign_in(office.token["bob"], next=next)
    assert answer.headers["location"] == "/approvals"
    assert len(answer.headers.get_list("set-cookie")) == 1


def test_whoever_follows_a_link_to_a_request_comes_to_it_after_signing_in(office: Office) -> None:
    waiting = office.ask()
    address = approval_url(f"{office.url}/", waiting.id)
    assert address == f"{office.url}/approvals/{waiting.id}"
    browser = office.browser()
    sent_on = browser.get(address).headers["location"]
    assert sent_on == f"/sign-in?next=/approvals/{waiting.id}"
    assert f'name="next" value="/approvals/{waiting.id}"' in browser.get(sent_on).text
    answer = browser.sign_in(office.token["bob"], next=f"/approvals/{waiting.id}")
    assert waiting.words.split(". ")[1] in words(browser.get(answer.headers["location"]))


def test_a_page_that_renews_itself_is_told_when_the_session_is_over(office: Office) -> None:
    answer = office.browser().get("/approvals", headers={"X-Live": "idle"})
    assert (answer.status_code, answer.content) == (401, b"")
