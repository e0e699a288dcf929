"""A model behind an OpenAI-compatible endpoint, scripted: only the model is made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest

from tests.evals import tiny
from texml_mcp.evals.agents import openai
from texml_mcp.evals.agents.openai import OpenAICompatible
from texml_mcp.evals.episode import Episode
from texml_mcp.evals.play import play

TASK = tiny.shipped()["call-and-report-length"]
Reply = dict[str, Any] | httpx.Response


def says(text: str | None, *calls: tuple[str, Any]) -> dict[str, Any]:
    """A completion: words, or tool calls with arguments as an object or as the text that a model wrote."""
    made = [
        {
            "id": f"call_{at}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": given if isinstance(given, str) else json.dumps(given),
            },
        }
        for at, (name, given) in enumerate(calls)
    ]
    message = {"role": "assistant", "content": text, **({"tool_calls": made} if made else {})}
    return {
        "choices": [{"message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7},
    }


class Model:
    """Answers with its replies one after the other, and keeps what it was asked."""

    def __init__(self, *replies: Reply | Callable[[dict[str, Any]], Reply]) -> None:
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[httpx.Headers] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/v1/chat/completions"
        self.asked.append(json.loads(request.content))
        self.headers.append(request.headers)
        reply = self.replies.pop(0) if self.replies else says("That is all.")
        if callable(reply):
            reply = reply(self.asked[-1])
        return reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)


def ran(model: Model, **options: Any) -> Episode:
    agent = OpenAICompatible(
        "some-model", "http://model.test/v1/", "k-1", transport=httpx.MockTransport(model), **options
    )
    return anyio.run(lambda: play(TASK, agent, trial=2, seed=5, seconds=60))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai, "LONGEST_WAIT", 0.0)


def test_a_conversation_with_tools() -> None:
    model = Model(
        says("Which number is it?"),
        says(None, ("list_applications", {}), ("list_queues", {})),
        says("Nothing was done."),
    )
    episode = ran(model, temperature=0.5)
    assert (episode.ended, episode.why) == ("done", "")
    assert [each["tool"] for each in episode.of_kind("call")] == ["list_applications", "list_queues"]
    assert episode.usage == {"input_tokens": 300, "output_tokens": 21}
    first, second, third = model.asked
    assert [each["role"] for each in first["messages"]] == ["system", "user"]
    assert (first["model"], first["temperature"], first["seed"]) == ("some-model", 0.5, 5002)
    assert {tool["type"] for tool in first["tools"]} == {"function"}
    assert "312 555 0142" in second["messages"][-1]["content"]
    answers = third["messages"][-2:]
    assert [each["tool_call_id"] for each in answers] == ["call_0", "call_1"]
    assert "Clinic reminders" in answers[0]["content"]
    assert model.headers[0]["authorization"] == "Bearer k-1"


@pytest.mark.parametrize("arguments", ["{not json", "[]", '"text"', "[" * 100_000])
def test_arguments_that_are_no_object_are_answered(arguments: str) -> None:
    model = Model(says(None, ("list_calls", arguments)), says("Sorry."))
    episode = ran(model)
    assert episode.ended == "done"
    assert "NOT EXECUTED" in model.asked[1]["messages"][-1]["content"]
    assert not episode.of_kind("call")


def test_passing_failures_are_asked_again() -> None:
    busy = httpx.Response(429, headers={"retry-after": "7"}, text="slow down")
    model = Model(busy, httpx.Response(503), says("Sorry."))
    assert ran(model).ended == "done"
    assert len(model.asked) == 3


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (httpx.Response(401, text="bad key"), "refuses with 401: bad key"),
        (httpx.Response(200, text="<html>"), "does not answer JSON"),
        (httpx.Response(200, json=[]), "does not answer an object"),
        (httpx.Response(200, json={"choices": []}), "without choices"),
        (httpx.Response(200, json={"choices": [{"message": "hi"}]}), "no object"),
    ],
)
def test_an_endpoint_that_is_of_no_use_fails_the_run(reply: httpx.Response, why: str) -> None:
    episode = ran(Model(reply))
    assert episode.ended == "agent_failed"
    assert why in episode.why


def test_an_address_that_is_none_is_not_asked_again() -> None:
    episode = anyio.run(play, TASK, OpenAICompatible("some-model", "127.0.0.1:8000/v1"))
    assert episode.ended == "agent_failed"
    assert "127.0.0.1:8000/v1/chat/completions is no URL: " in episode.why


def test_an_endpoint_that_keeps_failing_fails_the_run() -> None:
    model = Model(*[httpx.Response(500, text="oops")] * 9)
    episode = ran(model)
    assert episode.ended == "agent_failed"
    assert "failed 5 times: 500 oops" in episode.why
    assert len(model.asked) == 5


def test_a_model_with_nothing_to_say_does_not_go_on_for_ever() -> None:
    model = Model(*[says("")] * 20)
    episode = ran(model)
    assert (episode.ended, len(model.asked)) == ("done", 1)
    assert not episode.of_kind("agent")


def test_a_model_that_never_stops_calling_is_stopped() -> None:
    episode = ran(Model(*[says(None, ("list_queues", {}))] * 200))
    assert episode.ended == "out_of_steps"
