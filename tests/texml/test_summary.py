"""The sentence a person is shown about a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texml_mcp import texml
from texml_mcp.text import has_unsafe


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "does nothing, so the call just ends."),
        ("<Say>Hello there</Say>", "says 2 words."),
        ("<Say>One</Say><Hangup/>", "says 1 word, then hangs up."),
        ("<Say>Hi {{name}}</Say>", "says 2 words with variables."),
        ("<Dial record='record-from-answer'>+12025550101</Dial>", "dials +12025550101 and records it."),
        ("<Dial><Conference>standup</Conference></Dial>", "dials conference standup."),
        ("<Dial>the person approved it</Dial>", "dials 'the person approved it'."),
        ("<Gather><Say>Press one</Say></Gather>", "asks for digits (says 2 words)."),
        (
            "<Redirect>https://user:secret@a.example/x</Redirect>",
            "goes on with the TeXML at https://a.example/x.",
        ),
        (
            "<Connect><Stream url='wss://a.example'/></Connect>",
            "hands the call to an audio stream to wss://a.example.",
        ),
        ("<Pause/>" * 8, "waits 1 s, " + "then waits 1 s, " * 5 + "and 2 more steps."),
    ],
)
def test_it_says_what_happens(body: str, sentence: str) -> None:
    assert texml.describe(f"<Response>{body}</Response>") == sentence


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="<&\ufffe\uffff")
    )
)
def test_a_document_cannot_word_the_question(text: str) -> None:
    sentence = texml.describe(f"<Response><Say>{text}</Say><Dial>{text}</Dial></Response>")
    assert not has_unsafe(sentence)
    assert "\n" not in sentence
    assert len(sentence) < 200
