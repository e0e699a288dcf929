"""How the sandbox answers over HTTP: encodings, filters, pages, errors, secrets, worlds kept apart."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from starlette.testclient import TestClient

from tests.sandbox.phone import ACCOUNT, DESK, HUMAN, TALKS, Phone, error_of
from texml_mcp.sandbox import Worlds, create_app
from texml_mcp.sandbox.default_world import MAIN_APPLICATION

NEW_CALL: dict[str, Any] = {"To": HUMAN, "From": DESK, "ApplicationSid": MAIN_APPLICATION, "Texml": TALKS}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def phone() -> Iterator[Phone]:
    made = Phone()
    with made.http:
        yield made


# --- encodings


@pytest.mark.parametrize("encoding", ["json", "data"])
def test_both_encodings_mean_the_same(encoding: str) -> None:
    phone = Phone()
    body = NEW_CALL | {"TimeLimit": 60 if encoding == "json" else "60", "Record": "true"}
    assert phone.send("POST", "/Calls", **{encoding: body}).status_code == 200
    phone.advance(100)
    call = phone.get("/Calls", To=HUMAN)["calls"][0]
    assert (call["status"], call["duration"]) == ("completed", "60")
    assert len(phone.get(f"/Calls/{call['sid']}/Recordings.json")["recordings"]) == 1


@pytest.mark.parametrize(
    "text", ["{", "[1]", '"text"', "null", "1", '{"To": }', b"\xed\xa0\x80", "[" * 100_000]
)
def test_a_body_that_is_no_json_object_is_refused(phone: Phone, text: str | bytes) -> None:
    reply = phone.send("POST", "/Calls", content=text, headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert error_of(reply)["code"] == "10015"


def test_a_form_that_is_no_text_is_refused(phone: Phone) -> None:
    reply = phone.send("POST", "/Calls", content=b"To=\xff\xfe", headers={"content-type": FORM})
    assert reply.status_code == 400


def test_another_content_type_is_refused(phone: Phone) -> None:
    reply = phone.send("POST", "/Calls", content="<To/>", headers={"content-type": "text/xml"})
    assert (reply.status_code, error_of(reply)["code"]) == (415, "10014")


@pytest.mark.parametrize(("size", "status"), [(1024 * 1024, 422), (1024 * 1024 + 1, 400)])
def test_a_body_may_have_one_megabyte(phone: Phone, size: int, status: int) -> None:
    frame = json.dumps({"Texml": ""})
    content = json.dumps({"Texml": "x" * (size - len(frame))})
    assert len(content) == size
    reply = phone.send("POST", "/Calls", content=content, headers={"content-type": "application/json"})
    assert reply.status_code == status  # 422: it was read, and the recipient is missing


# --- filters


def test_a_status_filter_takes_final_words_only(phone: Phone) -> None:
    for status in ("canceled", "completed", "failed", "busy", "no-answer"):
        calls = phone.get("/Calls", Status=status, PageSize=200)["calls"]
        assert calls
        assert {call["status"] for call in calls} == {status}
    reply = phone.send("GET", "/Calls", params={"Status": "ringing"})
    assert (reply.status_code, error_of(reply)["source"]["pointer"]) == (422, "/Status")


def test_numbers_filter_exactly(phone: Phone) -> None:
    phone.dial("+13125550149")
    assert [call["to"] for call in phone.get("/Calls", To="+13125550149")["calls"]] == ["+13125550149"]
    assert phone.get("/Calls", To="+1312555014")["calls"] == []
    assert phone.get("/Calls", From="+13125550199")["calls"] == []


TODAY, BEFORE, AFTER = "2026-01-15", "2026-01-14", "2026-01-16"
ALL, NONE = True, False
# The key may hold `>` and `<`, the value may hold the operator, and `>=` may be split between the two.
SPELLINGS = [
    ("{name}=" + TODAY, ALL),
    ("{name}=" + BEFORE, NONE),
    ("{name}%3E=" + BEFORE, ALL),
    ("{name}%3E=" + AFTER, NONE),
    ("{name}%3C=" + AFTER, ALL),
    ("{name}%3C=" + BEFORE, NONE),
    ("{name}_gt=" + BEFORE, ALL),
    ("{name}_gt=" + TODAY, NONE),
    ("{name}_lt=" + AFTER, ALL),
    ("{name}_lt=" + TODAY, NONE),
    ("{name}=%3E%3D" + TODAY, ALL),
    ("{name}=%3E" + TODAY, NONE),
    ("{name}=%3C%3D" + TODAY, ALL),
    ("{name}=%3C" + TODAY, NONE),
    ("{name}_gt=" + BEFORE + "&{name}_lt=" + AFTER, ALL),
    ("{name}_gt=" + AFTER + "&{name}_lt=" + BEFORE, NONE),
]
DATED = [
    ("Calls", "StartTime", "calls"),
    ("Conferences", "DateCreated", "conferences"),
    ("Conferences", "DateUpdated", "conferences"),
    ("Queues", "DateCreated", "queues"),
    ("Queues", "DateUpdated", "queues"),
    ("Recordings.json", "DateCreated", "recordings"),
]


@pytest.mark.parametrize(("spelling", "matches"), SPELLINGS)
@pytest.mark.parametrize(("path", "name", "items"), DATED)
def test_a_date_filters_in_every_documented_spelling(
    phone: Phone, path: str, name: str, items: str, spelling: str, matches: bool
) -> None:
    everything = phone.get(f"/{path}")[items]
    found = phone.send("GET", f"/{path}?{spelling.format(name=name)}").json()[items]
    assert found == (everything if matches else [])


def test_a_call_that_is_not_over_has_no_end_to_filter_by(phone: Phone) -> None:
    sid = phone.live()
    ended = phone.get("/Calls", EndTime=TODAY, PageSize=500)["calls"]
    assert ended
    assert sid not in [call["sid"] for call in ended]


def test_a_recording_may_be_asked_for_by_the_second(phone: Phone) -> None:
    newest = phone.get("/Recordings.json")["recordings"][0]
    exact = phone.get("/Recordings.json", DateCreated=newest["date_created"])["recordings"]
    assert newest["sid"] in [each["sid"] for each in exact]
    assert phone.get("/Recordings.json", DateCreated=">2026-01-16T00:00:00Z")["recordings"] == []


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-02-30", "15/01/2026", ">"])
def test_a_date_that_is_none_is_refused(phone: Phone, text: str) -> None:
    reply = phone.send("GET", "/Calls", params={"StartTime": text})
    assert (reply.status_code, error_of(reply)["code"]) == (422, "10026")


def test_applications_filter_by_part_of_their_name_in_any_case(phone: Phone) -> None:
    def names(**query: str) -> list[str]:
        reply = phone.send("GET", "/v2/texml_applications", params=query)
        return [each["friendly_name"] for each in reply.json()["data"]]

    assert names(**{"filter[friendly_name]": "FRONT"}) == ["Clinic front desk"]
    assert names(**{"filter[outbound_voice_profile_id]": "12"}) == []
    assert names(sort="friendly_name") == sorted(names())
    assert names(sort="-friendly_name") == sorted(names(), reverse=True)
    assert names(sort="-created_at") == names(sort="created_at")[::-1]
    for bad in ({"filter[friendly_name]": "fr"}, {"sort": "id"}):
        assert phone.send("GET", "/v2/texml_applications", params=bad).status_code == 422


# --- pages


@pytest.mark.parametrize("path", ["Calls", "Conferences", "Queues", "Recordings.json", "Transcriptions.json"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_next_page_uris_lead_to_everything_once(phone: Phone, path: str, size: int) -> None:
    items = path.removesuffix(".json").lower()
    everything = [each["sid"] for each in phone.get(f"/{path}", PageSize=1000)[items]]
    found: list[str] = []
    uri: str | None = f"{ACCOUNT}/{path}?PageSize={size}"
    while uri:
        page = phone.get(uri)
        assert page["start"] == len(found)
        found += [each["sid"] for each in page[items]]
        assert page["end"] == len(found) - 1
        uri = page.get("next_page_uri")
        assert len(found) <= len(everything)
    assert found == everything


def test_the_next_page_keeps_the_filter(phone: Phone) -> None:
    page = phone.get("/Calls", Status="busy", PageSize=2)
    following = phone.get(page["next_page_uri"])
    assert {call["status"] for call in following["calls"]} == {"busy"}
    assert not {each["sid"] for each in page["calls"]} & {each["sid"] for each in following["calls"]}


def test_an_empty_page_starts_and_ends_at_nought(phone: Phone) -> None:
    page = phone.get("/Calls", Page=900)
    assert (page["calls"], page["start"], page["end"], page.get("next_page_uri")) == ([], 0, 0, None)


@pytest.mark.parametrize(
    "query",
    [
        {"PageSize": "0"},
        {"PageSize": "-1"},
        {"PageSize": "x"},
        {"PageSize": "٣"},
        {"Page": "1.5"},
        {"PageToken": "!"},
    ],
)
def test_paging_that_makes_no_sense_is_refused(phone: Phone, query: dict[str, str]) -> None:
    assert phone.send("GET", "/Calls", params=query).status_code in (400, 422)


def test_applications_count_their_pages_from_one(phone: Phone) -> None:
    names: list[str] = []
    for number in (1, 2, 3):
        query = {"page[number]": number, "page[size]": 1}
        page = phone.send("GET", "/v2/texml_applications", params=query).json()
        assert page["meta"] == {"page_number": number, "page_size": 1, "total_pages": 3, "total_results": 3}
        names += [each["friendly_name"] for each in page["data"]]
    assert len(set(names)) == 3
    for bad in ({"page[number]": 0}, {"page[size]": 0}, {"page[size]": 251}):
        assert phone.send("GET", "/v2/texml_applications", params=bad).status_code == 422


# --- errors


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"To": None}, "10004", "/To"),
        ({"From": ""}, "10004", "/From"),
        ({"ApplicationSid": None}, "10004", "/ApplicationId"),
        ({"ApplicationSid": "1"}, "10004", "/ApplicationId"),
        ({"UrlMethod": "PUT"}, "10032", "/UrlMethod"),
        ({"StatusCallbackEvent": "answered maybe"}, "10032", "/StatusCallbackEvent"),
        ({"To": 13125550142}, "10026", "/To"),
        ({"TimeLimit": "soon"}, "10026", "/TimeLimit"),
        ({"TimeLimit": 60.5}, "10026", "/TimeLimit"),
        ({"Record": "perhaps"}, "10026", "/Record"),
        ({"CustomHeaders": "none"}, "10026", "/CustomHeaders"),
        ({"TimeLimit": 5}, "10015", "/TimeLimit"),
        ({"To": "3125550142"}, "10016", "/To"),
        ({"To": "+911"}, "10016", "/To"),
        ({"To": "911"}, "10016", "/To"),
        ({"Url": "https://texml.example.com/"}, "10015", "/Url"),
    ],
)
def test_a_wrong_parameter_is_named(phone: Phone, change: dict[str, Any], code: str, pointer: str) -> None:
    before = phone.world.hash()
    body = {name: value for name, value in (NEW_CALL | change).items() if value is not None}
    reply = phone.send("POST", "/Calls", json=body)
    error = error_of(reply)
    assert (reply.status_code, error["code"], error["source"]["pointer"]) == (422, code, pointer)
    assert phone.world.hash() == before


def test_a_status_to_set_can_only_be_completed(phone: Phone) -> None:
    reply = phone.send("POST", f"/Calls/{phone.live()}", json={"Status": "canceled"})
    assert (reply.status_code, error_of(reply)["code"]) == (422, "10032")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/Calls/v3:none", None),
        ("GET", "/Conferences/none", None),
        ("GET", "/Queues/none", None),
        ("GET", "/Recordings/none.json", None),
        ("GET", "/Nothing", None),
        ("PUT", "/Calls", None),
        ("GET", "/v2/texml/Accounts/another/Calls", None),
        ("POST", "/v2/texml/Accounts/another/Calls", "10005"),
        ("GET", "/v2/texml_applications/1", "10005"),
    ],
)
def test_what_is_not_there_is_404_in_two_forms(
    phone: Phone, method: str, path: str, code: str | None
) -> None:
    reply = phone.send(method, path, json=NEW_CALL if method == "POST" else None)
    assert reply.status_code == 404
    assert error_of(reply).get("code") == code
    if code is None:
        assert error_of(reply) == {"detail": "Resource not found"}


def test_a_call_that_is_over_takes_no_commands(phone: Phone) -> None:
    sid = phone.live()
    phone.post(f"/Calls/{sid}", Status="completed")
    for path, body in (
        (f"/Calls/{sid}", {"Status": "completed"}),
        (f"/Calls/{sid}/Recordings.json", {}),
        (f"/Calls/{sid}/Siprec.json", {}),
        (f"/Calls/{sid}/Streams.json", {"Url": "wss://media.example.com/live"}),
    ):
        reply = phone.send("POST", path, json=body)
        assert (reply.status_code, error_of(reply)["code"]) == (422, "90018"), path


def test_a_conference_that_is_over_takes_no_commands(phone: Phone) -> None:
    phone.invite("huddle")
    room = phone.room("huddle")["sid"]
    phone.post(f"/Conferences/{room}", Status="completed")
    reply = phone.send("POST", f"/Conferences/{room}", json={"Status": "completed"})
    assert (reply.status_code, error_of(reply)["code"]) == (400, "90019")


def test_a_participant_without_a_number_is_refused_and_makes_no_conference(phone: Phone) -> None:
    before = phone.world.hash()
    for body in ({}, {"To": HUMAN}, {"From": DESK}):
        reply = phone.send(
            "POST", "/Conferences/huddle/Participants", json={"ApplicationSid": MAIN_APPLICATION} | body
        )
        assert (reply.status_code, error_of(reply)["code"]) == (422, "10004")
    assert phone.world.hash() == before


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic c2FuZGJveA==", "Bearer KEY0123456789ABCDEF_live", "Bearer sandboxed"],
)
def test_only_sandbox_keys_get_in(phone: Phone, header: str) -> None:
    reply = phone.send("GET", "/Calls", headers={"authorization": header})
    assert (reply.status_code, error_of(reply)["code"]) == (401, "10009")
    if "KEY" in header:
        assert "sandbox" in error_of(reply)["detail"]
        assert "KEY0123" not in reply.text


# --- deletes


def test_a_delete_answers_once_and_is_404_after(phone: Phone) -> None:
    phone.invite("huddle", Label="expert")
    phone.invite("huddle", "+13125550147")
    room = phone.room("huddle")["sid"]
    for path in (
        f"/Conferences/{room}/Participants/expert",
        "/Queues/billing",
        f"/Recordings/{phone.get('/Recordings.json')['recordings'][0]['sid']}.json",
        f"/Transcriptions/{phone.get('/Transcriptions.json')['transcriptions'][0]['sid']}.json",
    ):
        reply = phone.send("DELETE", path)
        assert (reply.status_code, reply.content) == (204, b""), path
        assert "content-type" not in reply.headers
        assert phone.delete(path) == 404, path


def test_a_deleted_application_is_shown_a_last_time(phone: Phone) -> None:
    path = f"/v2/texml_applications/{MAIN_APPLICATION}"
    assert phone.send("DELETE", path).json()["data"]["id"] == MAIN_APPLICATION
    assert phone.delete(path) == 404


def test_a_deleted_queue_leaves_no_caller_waiting(phone: Phone) -> None:
    sid = phone.live(Texml="<Response><Enqueue>desk</Enqueue></Response>")
    assert phone.delete("/Queues/desk") == 204
    assert phone.call(sid)["status"] == "completed"


# --- secrets


HIDDEN = "correct-horse-battery"


def secretive(phone: Phone) -> None:
    """A secret is stored, and a call is placed with a password."""
    reply = phone.send("POST", "/v2/texml/secrets", json={"name": "Door code", "value": HIDDEN})
    assert reply.json()["data"] == {"name": "Door code", "value": "REDACTED"}
    phone.dial(SipAuthUsername="desk", SipAuthPassword=HIDDEN)
    phone.advance(60)


def test_a_secret_is_told_to_nobody(phone: Phone) -> None:
    secretive(phone)
    for place in (phone.world.events, phone.world.state, phone.world.outbox):
        assert HIDDEN not in repr(place)
    with TestClient(create_app(phone.worlds, control=True)) as control:
        for what in ("state", "events", "outbox"):
            reply = control.get(f"/_sandbox/worlds/{phone.token}/{what}")
            assert reply.status_code == 200
            assert HIDDEN not in reply.text
        assert "Door code" in control.get(f"/_sandbox/worlds/{phone.token}/state").text


def test_a_password_in_a_document_is_kept_nowhere(phone: Phone) -> None:
    sip = f"<Sip username='desk' password = \"{HIDDEN}\">sip:b@pbx.example.com</Sip>"
    phone.dial(Texml=f"<Response><Pause/><Dial>{sip}</Dial></Response>")
    phone.world.documents["https://texml.example.com/p"] = f"<Response><Dial>{sip}</Dial></Response>"
    phone.live(Texml="", Url="https://texml.example.com/p")
    assert "<Sip" in repr(phone.world.events)
    for place in (phone.world.events, phone.world.state, phone.world.outbox):
        assert HIDDEN not in repr(place)


def test_a_snapshot_holds_no_secret(phone: Phone) -> None:
    secretive(phone)
    assert HIDDEN.encode() not in phone.world.snapshot()


def test_another_value_of_a_secret_is_another_state(phone: Phone) -> None:
    hashes: set[str] = set()
    for value in ("one", "two", "one"):
        phone.send("POST", "/v2/texml/secrets", json={"name": "Door code", "value": value})
        hashes.add(phone.world.hash())
    assert len(hashes) == 2


# --- worlds and paths


def test_one_token_sees_nothing_of_another() -> None:
    worlds = Worlds()
    ours, theirs = Phone("sandbox-ours", worlds), Phone("sandbox-theirs", worlds)
    before = theirs.world.hash()
    sid = ours.dial()
    ours.send("POST", "/v2/texml/secrets", json={"name": "Door code", "value": "4711"})
    assert ours.delete("/Queues/support") == 204
    assert theirs.send("GET", f"/Calls/{sid}").status_code == 404
    assert theirs.get("/Queues/support")["current_size"] == 3
    assert theirs.world.hash() == before


@pytest.mark.parametrize("path", ["Calls", "Conferences", "Queues", "Recordings.json", "Transcriptions.json"])
def test_the_uri_of_a_resource_leads_to_it(phone: Phone, path: str) -> None:
    shown = phone.get(f"/{path}", PageSize=1)[path.removesuffix(".json").lower()][0]
    # The documented example of a queue has no `/v2/texml` before the account.
    uri = shown["uri"] if shown["uri"].startswith("/v2") else "/v2/texml" + shown["uri"]
    assert uri.endswith(".json")
    assert phone.get(uri)["sid"] == shown["sid"]


def test_an_escaped_slash_stays_inside_its_segment(phone: Phone) -> None:
    name = "a/b c?d#e%f"
    made = phone.post("/Queues", FriendlyName=name)
    assert made["sid"] == name
    path = f"/Queues/{quote(name, safe='')}"
    assert phone.get(path)["sid"] == name
    assert phone.delete(path) == 204


def test_the_uri_of_a_queue_with_an_odd_name_leads_to_it(phone: Phone) -> None:
    made = phone.post("/Queues", FriendlyName="a/b c?d")
    # The documented example has no `/v2/texml` before the account.
    assert phone.get("/v2/texml" + made["uri"])["sid"] == "a/b c?d"


@pytest.mark.parametrize("segment", ["%2e%2e", "..%2fQueues%2fsupport", "%2fsupport", "support%00", "%ff"])
def test_no_segment_climbs_to_another_resource(phone: Phone, segment: str) -> None:
    before = phone.world.hash()
    assert phone.send("DELETE", f"/Queues/{segment}").status_code == 404
    assert phone.world.hash() == before


def test_a_label_with_marks_in_it_names_its_participant(phone: Phone) -> None:
    label = "Dr. Vale/2nd + 50%"
    sid = phone.invite("huddle", Label=label)
    room = phone.room("huddle")["sid"]
    found = phone.get(f"/Conferences/{room}/Participants/{quote(label, safe='')}")
    assert found["call_sid"] == sid


def test_a_query_with_very_many_fields_is_refused(phone: Phone) -> None:
    query = urlencode([(f"x{index}", "1") for index in range(500)])
    assert phone.send("GET", f"/Calls?{query}").status_code == 400
