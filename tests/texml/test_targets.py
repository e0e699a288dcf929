"""Whom a document reaches, and that nothing hides a target."""

from __future__ import annotations

from typing import get_args
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp import texml
from texml_mcp.texml.model import Purpose


def reached(body: str) -> list[tuple[str, str, str]]:
    found = texml.targets(f"<Response>{body}</Response>")
    return [(each.kind, each.value, each.purpose) for each in found]


@pytest.mark.parametrize(
    "body",
    [
        "<Dial>911</Dial>",
        "<Dial>9<!-- nothing -->11</Dial>",
        "<Dial><![CDATA[911]]></Dial>",
        "<Dial>9<![CDATA[1]]>1</Dial>",
        "<Dial>&#57;&#x31;1</Dial>",
        "<Dial>9<?x y?>11</Dial>",
        "<Dial>\n 911 \t</Dial>",
        "<Dial>9<Oops/>11</Dial>",
        "<dial>911</dial>",
        "<DIAL>911</DIAL>",
        "<t:Dial xmlns:t='urn:x'>911</t:Dial>",
        "<Dial><Number>911</Number></Dial>",
        "<Dial><number>911</number></Dial>",
        "<Number>911</Number>",
        "<Gather><Dial>911</Dial></Gather>",
        "<Oops><Deep>911</Deep></Oops>",
        "<Hangup/><Dial>911</Dial>",
    ],
)
def test_a_number_cannot_hide(body: str) -> None:
    assert ("number", "911", "dial") in reached(body)


@pytest.mark.parametrize("padding", [" ", "\t ", "<!-- -->\n"])
def test_padding_hides_nothing_and_costs_nothing(padding: str) -> None:
    # A pattern that tries every split of the white space would take minutes here.
    space = padding * (60_000 // len(padding))
    assert reached(f"<Dial>{space}&lt; sip:911@a.example</Dial>") == [("sip", "< sip:911@a.example", "dial")]
    assert reached(f"<Oops>{space}911</Oops>") == [("number", "911", "dial")]


@pytest.mark.parametrize("body", ["<Dial>9 1 1</Dial>", "<Call>9-1-1</Call>", "<Call>(911)</Call>"])
def test_a_dressed_up_number_is_given_as_written(body: str) -> None:
    [(kind, value, _)] = reached(body)
    assert kind == "number"
    assert "".join(each for each in value if each.isdigit()) == "911"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<Dial><Sip>sip:911@a.example</Sip></Dial>", ("sip", "sip:911@a.example", "dial")),
        ("<Dial>sip:911@a.example</Dial>", ("sip", "sip:911@a.example", "dial")),
        ("<Refer><Sip>sip:a@b.example</Sip></Refer>", ("sip", "sip:a@b.example", "dial")),
        ("<Dial><Conference>room</Conference></Dial>", ("conference", "room", "dial")),
        ("<Enqueue>line</Enqueue>", ("queue", "line", "dial")),
        ("<Redirect>http://a.example/</Redirect>", ("url", "http://a.example/", "fetch")),
        ("<Play>http://a.example/</Play>", ("url", "http://a.example/", "play")),
        ("<Play mediaStorage='true'>http://a.example/</Play>", ("url", "http://a.example/", "play")),
        ("<Gather action='/next'/>", ("url", "/next", "fetch")),
        ("<Gather ACTION='/next'/>", ("url", "/next", "fetch")),
        ("<Record recordingStatusCallback='/r'/>", ("url", "/r", "callback")),
        ("<Oops someCallback='x.example'/>", ("url", "x.example", "callback")),
        ("<Start><Siprec connectorName='recorder'/></Start>", ("stream", "recorder", "stream")),
        ("<start><SIPREC CONNECTORNAME='recorder'/></start>", ("stream", "recorder", "stream")),
        ("<Connect><AIAssistant id='assistant-1'/></Connect>", ("stream", "assistant-1", "stream")),
        ("<Play mediaStorage='true'>welcome</Play>", ("url", "welcome", "play")),
        ("<Enqueue queueSid='q1'/>", ("queue", "q1", "dial")),
        ("<Enqueue queue='line'/>", ("queue", "line", "dial")),
        ("<Dial>tel:911</Dial>", ("number", "tel:911", "dial")),
        ("<Dial><Sip>TEL:911</Sip></Dial>", ("number", "TEL:911", "dial")),
        ("<Oops>tel:911</Oops>", ("number", "tel:911", "dial")),
        ("<Oops to='911'/>", ("number", "911", "dial")),
        ("<Oops number='\uff19\uff11\uff11'/>", ("number", "\uff19\uff11\uff11", "dial")),
        ("<Oops to='+1{{rest}}'/>", ("number", "+1{{rest}}", "dial")),
        ("<Oops x='sip:a@b.example'/>", ("sip", "sip:a@b.example", "dial")),
        ("<Dial name='+12025550101'/>", ("number", "+12025550101", "dial")),
        ("<Say language='tel:911'>Hi</Say>", ("number", "tel:911", "dial")),
        (
            "<AIAssistant><Parameter name='transferTo' value='911'/></AIAssistant>",
            ("number", "911", "dial"),
        ),
        (
            "<AIAssistant><Parameter name='a' value='(202) 555-0101'/></AIAssistant>",
            ("number", "(202) 555-0101", "dial"),
        ),
        (
            "<AIAssistant><Parameter name='sip:a@b.example' value='1'/></AIAssistant>",
            ("sip", "sip:a@b.example", "dial"),
        ),
        ("<Say href='//a.example'>Hi</Say>", ("url", "//a.example", "fetch")),
        ("<Start><Stream url='wss://a.example'/></Start>", ("stream", "wss://a.example", "stream")),
        (
            "<HttpRequest><Request url='http://a.example'/></HttpRequest>",
            ("url", "http://a.example", "fetch"),
        ),
        (
            "<Connect><ConversationRelay url='wss://a.example'/></Connect>",
            ("stream", "wss://a.example", "stream"),
        ),
    ],
)
def test_every_kind_of_place(body: str, expected: tuple[str, str, str]) -> None:
    assert reached(body) == [expected]


def test_what_is_only_said_is_no_target() -> None:
    assert reached("<Say>call 911 or see http://a.example</Say>") == []


@pytest.mark.parametrize(
    "body",
    [
        "<Pause length='120'/>",
        "<Play digits='911'/>",
        "<Stop><Siprec connectorName='recorder'/></Stop>",
        "<Connect><Parameter name='order' value='4711'/></Connect>",
        "<Connect><Parameter name='day' value='2026-11-24'/></Connect>",
        "<Connect><Parameter name='at' value='1764000000'/></Connect>",
        "<Connect><Parameter name='host' value='192.168.100.200'/></Connect>",
        "<Gather hints='call +12025550101'/>",
    ],
)
def test_what_only_looks_like_digits_is_no_target(body: str) -> None:
    assert reached(body) == []


@pytest.mark.parametrize("name", ["callerId", "fromDisplayName", "username", "password"])
def test_who_calls_is_no_target(name: str) -> None:
    assert reached(f"<Dial {name}='+12025550100'>+12025550101</Dial>") == [("number", "+12025550101", "dial")]


def test_urls_in_the_body_of_a_request_are_targets() -> None:
    data = '{"a": "https://a.example/x?b=1", "b": "https:\\/\\/b.example\\/y", "c": "wss://c.example"}.'
    request = f"<Request url='https://d.example'><Body><![CDATA[{data}]]></Body></Request>"
    assert reached(f"<HttpRequest>{request}</HttpRequest>") == [
        ("url", "https://d.example", "fetch"),
        ("url", "https://a.example/x?b=1", "fetch"),
        ("url", "https://b.example/y", "fetch"),
        ("stream", "wss://c.example", "stream"),
    ]


def test_a_templated_url_in_a_body_is_whole_and_marked() -> None:
    body = "<Body>see https://{{host}}/x, please</Body>"
    document = f"<Response><HttpRequest><Request>{body}</Request></HttpRequest></Response>"
    [found] = texml.targets(document)
    assert (found.value, found.templated) == ("https://{{host}}/x", True)


def test_every_purpose_is_one_that_a_document_can_have() -> None:
    body = (
        "<Dial recordingStatusCallback='/r' action='/a'>+12025550101</Dial><Play>/p</Play>"
        "<Start><Stream url='wss://a.example'/></Start>"
    )
    assert {purpose for _, _, purpose in reached(body)} == set(get_args(Purpose))


@pytest.mark.parametrize("verb", ["Record", "Recording", "Dial", "Conference"])
def test_news_of_a_recording_is_a_callback(verb: str) -> None:
    # The audio stays with the vendor; what leaves is a message that says where it is.
    assert reached(f"<{verb} recordingStatusCallback='/r'/>") == [("url", "/r", "callback")]


def test_a_templated_value_is_marked() -> None:
    [found] = texml.targets("<Response><Dial>+1{{rest}}</Dial></Response>")
    assert found.templated


def test_an_unreadable_document_raises_where_it_goes_wrong() -> None:
    with pytest.raises(texml.ParseError) as raised:
        texml.targets("<Response>\n<!DOCTYPE x></Response>")
    assert raised.value.line == 2


ALLOWED = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")


@given(st.text(ALLOWED, min_size=1).map(str.strip).filter(bool))
def test_whatever_is_dialled_comes_back_as_it_was(value: str) -> None:
    assert texml.targets(f"<Response><Dial>{escape(value)}</Dial></Response>")[0].value == value


@given(st.text(ALLOWED, min_size=1).map(str.strip).filter(bool))
def test_whatever_is_fetched_comes_back_as_it_was(value: str) -> None:
    assert texml.targets(f"<Response><Gather action={quoteattr(value)}/></Response>")[0].value == value
