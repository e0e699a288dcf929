"""The pages under attack: forged forms, hostile words, crooked paths, and headers on every answer."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from html.parser import HTMLParser
from xml.sax.saxutils import escape

import httpx
import pytest

from tests.server.pages.office import CALL, Office, words
from texml_mcp.sandbox.default_world import ACCOUNT_SID
from texml_mcp.server.pages.safety import LONGEST_FORM

EVIL = "https://evil.example"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HOSTILE = [
    "<script>document.title='taken'</script>",
    '"><img src=x onerror="document.title=\'taken\'">',
    "' autofocus onfocus=document.title='taken' x='",
    "javascript:document.title='taken'",
    "</textarea><script>document.title='taken'</script>",
    "{{ 7 * 7 }}{% raw %}",
    "--><svg/onload=document.title='taken'>",
    "\u202egnp.exe\u2066\u200b",
]


class Tags(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_inert(page: str) -> None:
    """Nothing inline, nothing from elsewhere, no element that the templates do not have."""
    for tag, attributes in Tags(page).found:
        assert tag not in ("img", "svg", "iframe", "object", "embed", "style", "base"), tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"], attributes
        if tag == "script":
            assert re.fullmatch(r"/static/live\.js\?v=[0-9a-f]{16}", attributes.get("src") or ""), attributes
        for name in ("href", "src", "action"):
            value = attributes.get(name)
            assert value is None or value == "" or re.match(r"[/#](?!/)", value), (tag, value)
    assert "<script>" not in page
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]", page), "nothing may reorder or hide words"


def test_every_answer_is_protected(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    stranger = office.browser()
    answers = [
        *(bob.get(path) for path in ("/approvals", f"/approvals/{waiting.id}", "/board", "/approvals/00")),
        *(bob.get(path) for path in ("/static/pages.css", "/static/nothing", "/sign-in")),
        *(stranger.get(path) for path in ("/approvals", "/sign-in", "/board")),
        stranger.sign_in("wrong"),
        stranger.sign_in(office.token["vera"]),
        bob.submit(f"/approvals/{waiting.id}", {}),
        bob.answer(waiting.id, "deny", ""),
        stranger.get("/approvals", headers={"Sec-Fetch-Site": "cross-site"}),
    ]
    assert len({each.status_code for each in answers}) >= 6
    for each in answers:
        assert each.headers["content-security-policy"] == POLICY
        assert each.headers["x-content-type-options"] == "nosniff"
        assert each.headers["x-frame-options"] == "DENY"
        assert each.headers["referrer-policy"] == "same-origin"
        assert each.headers["cross-origin-opener-policy"] == "same-origin"
        assert each.headers["cache-control"] == "no-store"
        assert not [name for name in each.headers if name.startswith("access-control")]
    versioned = re.search(r'href="(/static/pages\.css\?v=[^"]+)"', bob.get("/board").text)
    assert versioned
    assert "immutable" in bob.get(versioned[1]).headers["cache-control"]


@pytest.mark.parametrize("token", [None, "", "x", "ü" * 10, "A" * 43])
def test_a_form_without_the_token_of_its_session_does_nothing(office: Office, token: str | None) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    fields = {"decision": "approve", "reason": ""} | ({} if token is None else {"csrf": token})
    answer = bob.submit(f"/approvals/{waiting.id}", fields)
    assert answer.status_code == 403
    assert "Nothing was changed" in words(answer)
    assert bob.submit("/sign-out", {"csrf": token or ""}).status_code == 403
    assert office.queue.listed() == [waiting]
    assert bob.get("/approvals").status_code == 200, "still signed in"


def test_the_token_of_another_session_does_nothing(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    for other in (office.signed_in("cleo"), office.signed_in("bob")):
        fields = {"decision": "approve", "reason": "", "csrf": other.csrf()}
        assert bob.submit(f"/approvals/{waiting.id}", fields).status_code == 403
    assert office.queue.listed() == [waiting]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_from_another_page_does_nothing(office: Office, headers: dict[str, str]) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    fields = {"decision": "approve", "reason": "", "csrf": bob.csrf()}
    assert bob.submit(f"/approvals/{waiting.id}", fields, headers).status_code == 403
    assert bob.submit("/sign-out", {"csrf": bob.csrf()}, headers).status_code == 403
    assert office.browser().submit("/sign-in", {"token": office.token["vera"]}, headers).status_code == 403
    assert office.queue.listed() == [waiting]


def test_looking_changes_nothing(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    query = {"decision": "approve", "csrf": bob.csrf()}
    assert bob.get(f"/approvals/{waiting.id}", params=query).status_code == 200
    assert bob.head(f"/approvals/{waiting.id}", params=query).status_code == 200
    assert bob.put(f"/approvals/{waiting.id}", params=query).status_code == 405
    assert bob.get("/sign-out").status_code == 405
    assert office.queue.listed() == [waiting]


@pytest.mark.parametrize("words_of_others", HOSTILE)
def test_words_of_others_stay_words(office: Office, words_of_others: str) -> None:
    said = escape(re.sub("[\u202a-\u202e\u2066\u200b]", "", words_of_others))
    office.ask(**(CALL | {"Texml": f"<Response><Say>{said}</Say></Response>"}))
    named = office.queue.ask(
        words_of_others,
        words_of_others,
        "bound",
        "",
        f"Place a call: {words_of_others}. {words_of_others} Exactly: {words_of_others}.",
        [f"{words_of_others}: {words_of_others}"],
        request={
            "method": words_of_others,
            "path": words_of_others,
            "body": {words_of_others: words_of_others, "deep": {words_of_others: [words_of_others]}},
        },
        account=ACCOUNT_SID,
        account_label=words_of_others,
    )
    bob = office.signed_in("bob")
    settled = office.ask("delete_queue", by=words_of_others, queue_sid="billing")
    office.queue.settle(settled.id, "bob", approve=False, reason=words_of_others)
    for path in ("/approvals", f"/approvals/{named.id}", f"/approvals/{settled.id}", "/board"):
        page = bob.get(path)
        assert page.status_code == 200
        assert_inert(page.text)
    unpunished = bob.answer(named.id, "deny", f"{words_of_others}{'x' * 200}")
    assert unpunished.status_code == 422
    assert "<script>" not in unpunished.text
    assert 'onerror="' not in unpunished.text


def raw(office: Office, target: str, cookie: str) -> int:
    """The status for a target exactly as written: clients tidy paths up before they send them."""
    host = office.url.removeprefix("http://")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), 5) as connection:
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert b"root:" not in answer
    assert b"[project]" not in answer
    assert b"import annotations" not in answer
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "rest",
    [
        "../pages.css",
        "..%2f..%2fsite.py",
        "%2e%2e/%2e%2e/site.py",
        "....//site.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "pages.css%00.html",
        "pages.css/",
        "PAGES.CSS",
        "..\\site.py",
        "",
        "%ff",
        "x" * 4000,
    ],
)
def test_crooked_paths_lead_nowhere(office: Office, rest: str) -> None:
    office.ask()
    bob = office.signed_in("bob")
    cookie = f"texml-mcp={bob.cookies['texml-mcp']}"
    assert raw(office, f"/static/{rest}", cookie) in (307, 400, 404)
    assert raw(office, f"/approvals/{rest}", cookie) in (200 if not rest else 404, 307, 400, 404)


@pytest.mark.parametrize(
    "id", ["ABCDEF01", "g", "0" * 65, "0x1", "-1", "' OR 1=1", "a b", "%C3%A9", "\u0661"]
)
def test_an_id_that_is_none_is_not_looked_up(office: Office, id: str) -> None:
    bob = office.signed_in("bob")
    assert bob.get(f"/approvals/{id}").status_code == 404
    assert bob.answer(id, "approve").status_code == 404


def test_a_form_too_long_or_none_at_all_is_refused(office: Office) -> None:
    waiting = office.ask()
    bob = office.signed_in("bob")
    csrf, where = bob.csrf(), f"/approvals/{waiting.id}"
    long = bob.answer(waiting.id, "deny", "x" * LONGEST_FORM)
    assert long.status_code == 413
    origin = {"Origin": office.url}
    good = f"csrf={csrf}&decision=approve&reason="

    def post(content: bytes, type: str = "application/x-www-form-urlencoded") -> int:
        return bob.post(where, content=content, headers={**origin, "Content-Type": type}).status_code

    assert post(good.encode(), "text/plain") == 415
    assert post(good.encode(), "multipart/form-data; boundary=x") == 415
    assert post(b"{}", "application/json") == 415
    assert post(f"{good}&decision=deny".encode()) == 400, "one field, one value"
    assert post(f"{good}&{'&'.join(f'x{n}=1' for n in range(50))}".encode()) == 400
    assert post(f"{good}%ff".encode()) == 400
    assert post(b"\xff\xfe") == 400
    assert office.browser().submit("/sign-in", {"token": "x" * LONGEST_FORM}).status_code == 413
    assert office.queue.listed() == [waiting]

    def endless() -> object:
        for _ in range(200):
            yield b"x" * 1024

    refused = bob.post(
        where, content=endless(), headers={**origin, "Content-Type": "application/x-www-form-urlencoded"}
    )
    assert refused.status_code == 413


def test_a_link_from_another_site_arrives_without_asking_for_the_token_again(office: Office) -> None:
    answer = httpx.get(f"{office.url}/approvals", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0"' in answer.text
    assert_inert(answer.text)
    assert httpx.get(f"{office.url}/approvals", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_nothing_of_the_pages_is_loaded_before_they_are_made() -> None:
    probe = (
        "import sys; import texml_mcp.server.pages as pages; assert pages.approval_url('', 'ab') ; "
        "heavy = {'starlette', 'jinja2', 'cryptography', 'uvicorn', 'httpx', 'sqlite3'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
