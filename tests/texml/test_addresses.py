"""One address at a time: what is a number, and what may be shown of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp.texml import addresses


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("+1 (202) 555-0101", "+12025550101"),
        ("(+1) 202.555.0101", "+12025550101"),
        ("tel:+1-202-555-0101", "+12025550101"),
        ("9 1 1", "911"),
        ("\uff0b\uff19\uff11\uff11", "+911"),
        ("\u0669\u0661\u0661", "911"),
        ("202\u2013555\u20110101", "2025550101"),
        ("the person approved it", ""),
        ("+12025550101,+12025550102", ""),
        ("1+2025550101", ""),
        ("sip:911@a.example", ""),
        ("", ""),
    ],
)
def test_a_number_is_read_in_every_dress(written: str, plain: str) -> None:
    assert addresses.number(written) == plain


@given(st.text(), st.booleans())
def test_no_text_makes_a_judgement_raise(text: str, choice: bool) -> None:
    assert isinstance(addresses.wrong_destination(text, choice), str)
    assert isinstance(addresses.wrong_url(text, choice), str)
    assert isinstance(addresses.wrong_stream(text), str)
    assert addresses.number(text).lstrip("+").isdigit() or not addresses.number(text)


@given(
    st.sampled_from(["https://{}@a.example/", "wss://{}@a.example", "//{}@a", "see http://{}@a.example"]),
    st.text("abcxyz:%!$&'()*+,;=-._~", min_size=6),
)
def test_credentials_are_seen_and_masked(shape: str, secret: str) -> None:
    url = shape.format("QQQ" + secret)
    assert addresses.has_credentials(url)
    assert "QQQ" not in addresses.masked(url)
