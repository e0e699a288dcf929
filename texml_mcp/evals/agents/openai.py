"""A model behind an OpenAI-compatible endpoint: chat completions with tools, whoever serves them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from texml_mcp.evals.agents import AgentError
from texml_mcp.evals.stage import Stage
from texml_mcp.exports.openai import convert

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

ATTEMPTS = 5
LONGEST_WAIT = 60.0
ANSWER_SECONDS = 120.0
LONGEST_RESULT = 16_000
_PASSING = frozenset({408, 409, 429, 500, 502, 503, 504})


class _PassingError(Exception):
    """A failure that is worth another attempt, after `wait` seconds where the endpoint names them."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class OpenAICompatible:
    """Asks `POST {url}/chat/completions` until the model has no more to say.

    `key` goes into the Authorization header, where there is one. `temperature` is sent when given; a seed
    always is: trials of one run must differ, and the next run must not.
    """

    def __init__(
        self,
        model: str,
        url: str,
        key: str = "",
        *,
        temperature: float | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = f"openai:{model}"
        self._model = model
        self._url = url.rstrip("/") + "/chat/completions"
        self._key = key
        self._temperature = temperature
        self._transport = transport

    async def play(self, stage: Stage) -> None:
        import httpx

        brief = stage.brief
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": brief.system},
            {"role": "user", "content": brief.opening},
        ]
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        async with httpx.AsyncClient(
            headers=headers, timeout=ANSWER_SECONDS, transport=self._transport
        ) as client:
            while not stage.over:
                said = await self._completion(client, messages, stage)
                messages.append(said)
                calls = cast("list[dict[str, Any]]", said.get("tool_calls") or [])
                if calls:
                    messages += [await _called(stage, each) for each in calls]
                    continue
                text = str(said.get("content") or "").strip()
                if not text:  # neither words nor a call: it has nothing more to do
                    await stage.done()
                    return
                turn = await stage.say(text)
                messages.append({"role": "user", "content": turn.text})

    async def _completion(
        self, client: httpx.AsyncClient, messages: list[dict[str, Any]], stage: Stage
    ) -> dict[str, Any]:
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt

        brief = stage.brief
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages,
            "tools": convert([{"description": "", **tool} for tool in brief.tools]),
            "seed": brief.seed * 1_000 + brief.trial,
        }
        if self._temperature is not None:
            body["temperature"] = self._temperature
        again = AsyncRetrying(
            retry=retry_if_exception_type(_PassingError),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            reraise=True,
        )
        try:
            answer: dict[str, Any] = await again(self._asked, client, body)
        except _PassingError as error:
            raise AgentError(f"{self._url} failed {ATTEMPTS} times: {error}") from None
        usage = answer.get("usage")
        if isinstance(usage, dict):
            held = cast("dict[str, Any]", usage)
            pairs = (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))
            stage.used({ours: held[theirs] for ours, theirs in pairs if type(held.get(theirs)) is int})
        try:
            message = answer["choices"][0]["message"]
        except (KeyError, IndexError, TypeError):
            raise AgentError(f"{self._url} answers without choices[0].message") from None
        if not isinstance(message, dict):
            raise AgentError(f"{self._url} answers with a message that is no object")
        held = cast("dict[str, Any]", message)
        kept = {name: held[name] for name in ("content", "tool_calls") if held.get(name)}
        return {"role": "assistant", "content": None, **kept}

    async def _asked(self, client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
        import httpx

        try:
            reply = await client.post(self._url, json=body)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise AgentError(f"{self._url} is no URL: {error}") from None
        except httpx.HTTPError as error:
            raise _PassingError(str(error) or type(error).__name__) from None
        said = reply.text[:300]
        if reply.status_code in _PASSING:
            asked = reply.headers.get("retry-after", "")
            raise _PassingError(f"{reply.status_code} {said}", float(asked) if asked.isdecimal() else None)
        if not reply.is_success:
            raise AgentError(f"{self._url} refuses with {reply.status_code}: {said}")
        try:
            answer: Any = reply.json()
        except ValueError:
            raise AgentError(f"{self._url} does not answer JSON: {said[:100]}") from None
        if not isinstance(answer, dict):
            raise AgentError(f"{self._url} does not answer an object")
        return cast("dict[str, Any]", answer)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait if isinstance(error, _PassingError) else None
    return min(LONGEST_WAIT, asked if asked is not None else 2.0 ** (state.attempt_number - 1))


async def _called(stage: Stage, call: dict[str, Any]) -> dict[str, Any]:
    """Do what one tool call asks for; the message that answers it."""
    function: dict[str, Any] = call.get("function") or {}
    answer = {"role": "tool", "tool_call_id": str(call.get("id", ""))}
    try:
        arguments: Any = json.loads(function.get("arguments") or "{}")
    except (ValueError, TypeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return {**answer, "content": "NOT EXECUTED. The arguments are not a JSON object."}
    if stage.over:
        return {**answer, "content": "NOT EXECUTED. The conversation is over."}
    result = await stage.call(str(function.get("name")), cast("dict[str, Any]", arguments))
    return {**answer, "content": result.text[:LONGEST_RESULT]}
