"""What lint says about documents, good and bad, and that no text makes it raise."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp import texml

CORPUS: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (Path(__file__).parent / "documents.yaml").read_text("utf-8")
)

UNREADABLE = {"not_well_formed", "refused_xml", "empty_document"}


def document(case: dict[str, Any]) -> str:
    return case["text"] if "text" in case else f"<Response>{case['body']}</Response>"


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    assert len(CORPUS["good"]) >= 50
    assert len(CORPUS["bad"]) >= 70


@pytest.mark.parametrize("case", CORPUS["good"], ids=document)
def test_a_good_document_has_no_findings(case: dict[str, Any]) -> None:
    assert texml.lint(document(case)).findings == ()


@pytest.mark.parametrize("case", CORPUS["bad"], ids=document)
def test_a_bad_document_gets_exactly_these_findings(case: dict[str, Any]) -> None:
    report = texml.lint(document(case))
    assert [each.code for each in report.findings] == case["codes"]
    assert report.valid is case.get("valid", False)


def test_a_finding_says_where_and_what_to_change() -> None:
    [found] = texml.lint("<Response>\n  <Dial timelimit='60'>+12025550101</Dial>\n</Response>").findings
    assert (found.line, found.column) == (2, 3)
    assert found.message.endswith("did you mean timeLimit?")


@pytest.mark.parametrize(
    "body",
    [
        "<Redirect>ftp://bob:s3cret@a.example/</Redirect>",
        "<Redirect>https://bob:s3cret@a.example/</Redirect>",
        "<Start><Stream url='https://bob:s3cret@a.example/'/></Start>",
        "<Dial>sip:bob:s3cret@a.example x</Dial>",
        "<Dial><Sip>sip:bob:s3cret@a.example</Sip></Dial>",
    ],
)
def test_a_finding_never_repeats_a_password(body: str) -> None:
    findings = texml.lint(f"<Response>{body}</Response>").findings
    assert findings
    assert "s3cret" not in "".join(each.message for each in findings)


def test_oversize_and_deep_documents_are_refused() -> None:
    big = f"<Response><Say>{'a' * 70_000}</Say></Response>"
    deep = "<Response>" * 40 + "</Response>" * 40
    wide = f"<Response>{'<Pause/>' * 2000}</Response>"
    assert [texml.lint(each).findings[0].code for each in (big, deep, wide)] == ["refused_xml"] * 3


def test_a_document_with_a_mistake_a_line_answers_a_hundred_findings() -> None:
    assert len(texml.lint(f"<Response>{'<Oops/>' * 500}</Response>").findings) == 100


PIECES = st.sampled_from(
    [
        "<Response>",
        "</Response>",
        "<Dial>",
        "</Dial>",
        "<Say>",
        "</Say>",
        "911",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&#57;",
        "&amp;",
        "<?x y?>",
        "{{a}}",
        "<Sip>",
        "</Sip>",
        "sip:911@a.example",
        " timeout='9'",
        "<Oops to='911' callback='javascript:x'/>",
        "<HttpRequest><Request url='https://[/'><Body>https://u:p@[::1/ {{</Body></Request></HttpRequest>",
        "<Enqueue queueSid='q'>",
        "</Enqueue>",
        "<Parameter name='to' value='\u0669\u0661'/>",
        "https://[",
        "\x00",
        "\ud800",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES | st.text(max_size=4), max_size=20).map("".join)))
def test_no_text_makes_it_raise(text: str) -> None:
    report = texml.lint(text)
    assert texml.describe(text).endswith(".")
    assert all(each.line >= 1 and each.column >= 1 for each in report.findings)
    readable = not any(each.code in UNREADABLE for each in report.findings)
    with nullcontext() if readable else pytest.raises(texml.ParseError):
        texml.targets(text)
