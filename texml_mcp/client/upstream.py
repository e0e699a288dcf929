"""One way out of the process: every request to the API goes through `Upstream.send`."""

from __future__ import annotations

import random as _random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from texml_mcp import __version__
from texml_mcp.catalog.model import Endpoint
from texml_mcp.client import answers, content, failures, lag, redirects
from texml_mcp.client.connection import Flight, Line
from texml_mcp.client.encode import InvalidValue, secrets_in
from texml_mcp.client.errors import ErrorCode, UpstreamError
from texml_mcp.client.paths import InvalidPathValue
from texml_mcp.client.plan import RequestPlan, plan
from texml_mcp.client.retry import Random, Sleep, may_repeat, retrying
from texml_mcp.client.sides import mix_up, normal_base_url
from texml_mcp.client.tracing import traced

if TYPE_CHECKING:
    import httpx

LIVE_BASE_URL = "https://api.telnyx.com/v2"

_TOLD_HEADERS = frozenset(
    (
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"),
        *("x-request-id", "date"),
    )
)
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"texml-mcp/{__version__}",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer. `body` is the parsed object, None where the answer has none."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    attempts: int = 1


class Upstream:
    """The API, seen from one process with one key.

    `timeout` bounds one attempt in seconds, answer included; `max_retries` how often a request that
    may be repeated is repeated. `sleep` (seconds), `now` (seconds of any beginning) and `random` (0..1) stand
    for those of the event loop where time is a rehearsal's own. The HTTP
    client is made on first use and kept; `aclose` ends it. Raises `ValueError` for a base URL or key
    that cannot be used at all.
    """

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = LIVE_BASE_URL,
        timeout: float = 30.0,
        max_retries: int = 3,
        max_connections: int = 20,
        max_keepalive: int = 10,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep | None = None,
        now: Callable[[], float] | None = None,
        random: Random = _random.random,
    ) -> None:
        self.base_url = normal_base_url(base_url)
        self._key = api_key.strip()
        # h11 would refuse such a header too, with the whole key in its message.
        if not self._key or not all("!" <= each <= "~" for each in self._key):
            raise ValueError("the API key is empty or holds characters that no key has")
        self._timeout = timeout
        self._max_retries = max_retries
        self._max_connections = max_connections
        self._max_keepalive = max_keepalive
        self._transport = transport
        self._sleep = sleep
        self._now = now
        self._random = random
        self._line: Line | None = None
        self._closed = False
        self.recent = lag.RecentWrites(self.now)

    def __repr__(self) -> str:
        return f"Upstream({self.base_url!r})"

    def build(
        self, endpoint: Endpoint, arguments: Mapping[str, Any], account_sid: str | None = None
    ) -> RequestPlan:
        """The request these arguments make, key left out. Raises `InvalidPathValue` or `InvalidValue`."""
        return plan(self.base_url, endpoint, arguments, account_sid, _HEADERS)

    def refusal(self) -> UpstreamError | None:
        """Why nothing may be sent at all: the key and the address belong to different sides."""
        return mix_up(self.base_url, self._key)

    async def send(
        self,
        endpoint: Endpoint,
        arguments: Mapping[str, Any],
        *,
        account_sid: str | None = None,
        request: RequestPlan | None = None,
        on_departure: Callable[[], None] | None = None,
    ) -> Answer:
        """Send one request and answer what came back; `UpstreamError` for everything else.

        `arguments` are validated and under wire names: path, query and body together. `request` is what they
        make, where it has been built before.
        `on_departure` is called before the first byte leaves, at each attempt: a caller that is
        cancelled knows by it whether a write may have happened.
        """
        if refused := self.refusal():
            raise refused
        if self._closed:
            raise UpstreamError(
                ErrorCode.CLIENT_CLOSED, "The server is shutting down. Nothing was sent.", "not_sent"
            )
        request = request or self._checked(endpoint, arguments, account_sid)
        secrets = (self._key, *secrets_in(endpoint, arguments))
        pauses = iter(lag.PAUSES)
        while True:
            try:
                answer = await self._persist(endpoint, request, secrets, on_departure)
            except UpstreamError as error:
                if not (lag.is_missing(error) and self.recent.concerns(endpoint, arguments)):
                    raise
                missing = error
            else:
                self.recent.note(endpoint, answer.body)
                return answer
            pause = next(pauses, None)
            if pause is None:
                raise lag.not_visible_yet(missing)
            await self.pause(pause)

    async def aclose(self) -> None:
        """Close the connections; nothing can be sent afterwards."""
        self._closed = True
        line, self._line = self._line, None
        if line is not None:
            await line.aclose()

    def _checked(
        self, endpoint: Endpoint, arguments: Mapping[str, Any], account_sid: str | None
    ) -> RequestPlan:
        try:
            return self.build(endpoint, arguments, account_sid)
        except (InvalidPathValue, InvalidValue) as error:
            key = next((param.key for _, param in endpoint.params() if param.name == error.name), None)
            said = f"{key or 'An argument'} {error.reason}. Nothing was sent."
        raise UpstreamError(ErrorCode.INVALID_ARGUMENT, said, "not_sent", field=key)

    async def _persist(
        self,
        endpoint: Endpoint,
        request: RequestPlan,
        secrets: tuple[str, ...],
        on_departure: Callable[[], None] | None,
    ) -> Answer:
        attempts = 0

        async def attempt() -> Answer:
            nonlocal attempts
            attempts += 1
            return await traced(
                endpoint,
                self.base_url,
                attempts,
                lambda: self._attempt(endpoint, request, secrets, on_departure),
            )

        try:
            try:
                answer = await attempt()
            except UpstreamError as error:
                if not may_repeat(error, reads=endpoint.reads):
                    raise
                answer = await self._repeat(endpoint, attempt, error)
        except UpstreamError as error:
            error.attempts = attempts
            raise
        return Answer(answer.status, answer.body, answer.headers, attempts)

    async def _repeat(
        self, endpoint: Endpoint, attempt: Callable[[], Awaitable[Answer]], first: UpstreamError
    ) -> Answer:
        """The attempts after the first: the retry machinery is paid for only when it is needed."""
        failed: UpstreamError | None = first

        async def next_attempt() -> Answer:
            nonlocal failed
            if failed is not None:
                told, failed = failed, None
                raise told  # counts as the first attempt, so that waits and limits are what they were
            return await attempt()

        loop = retrying(
            reads=endpoint.reads, max_retries=self._max_retries, sleep=self.pause, random=self._random
        )
        answer: Answer = await loop(next_attempt)
        return answer

    async def _attempt(
        self,
        endpoint: Endpoint,
        request: RequestPlan,
        secrets: tuple[str, ...],
        on_departure: Callable[[], None] | None,
    ) -> Answer:
        """One request on the wire, and the redirects of a read."""
        import anyio

        flight = Flight(on_departure)
        try:
            with anyio.fail_after(self._timeout):
                status, headers, body = await self._exchange(endpoint, request, flight)
        except UpstreamError:
            raise
        except content.TooLargeError:
            trouble = content.unreadable(
                endpoint, flight.status or 0, ErrorCode.ANSWER_TOO_LARGE, "is too large; ask for fewer items"
            )
        except Exception as error:
            trouble = failures.failure(endpoint, error, left=flight.left, status=flight.status)
        else:
            if 200 <= status < 300:
                return Answer(status, content.understood(endpoint, status, body), headers)
            trouble = answers.refusal(endpoint, status, _lenient(body), headers, secrets)
        # Raised out here, so that no exception of the transport hangs on to it with its request.
        raise trouble

    async def _exchange(
        self, endpoint: Endpoint, request: RequestPlan, flight: Flight
    ) -> tuple[int, dict[str, str], bytes]:
        import httpx

        line = self._connected()
        url = httpx.URL(request.url)
        for _ in range(redirects.MOST + 1):
            flight.status = None
            if self._transport is not None:
                flight.depart()  # a transport of another make does not say when
            async with line.send(request.method, url, request.headers, request.content, flight) as response:
                status = flight.status = response.status_code
                if not 300 <= status < 400:
                    told = _told(response.headers.raw)
                    if status in content.EMPTY_STATUSES:
                        return status, told, b""
                    return status, told, await content.collect(response.aiter_bytes())
                location = response.headers.get("location")
            url = redirects.following(endpoint, status, url, location)
        raise redirects.refusal(endpoint, flight.status or 0, "it redirected too often")

    def now(self) -> float:
        """The time that pauses are measured in, in seconds."""
        if self._now is not None:
            return self._now()
        import anyio

        return anyio.current_time()

    async def pause(self, seconds: float) -> None:
        """Let time pass before the next request."""
        if self._sleep is not None:
            await self._sleep(seconds)
            return
        import anyio

        await anyio.sleep(seconds)

    def _connected(self) -> Line:
        if self._line is None:
            self._line = Line(
                self.base_url,
                self._key,
                timeout=self._timeout,
                max_connections=self._max_connections,
                max_keepalive=self._max_keepalive,
                transport=self._transport,
            )
        return self._line


def _told(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers that are told, looked for in one pass: httpx decodes all of them at every look-up."""
    found = ((name.lower().decode("latin-1"), value.decode("latin-1")) for name, value in raw)
    return {name: value for name, value in found if name in _TOLD_HEADERS}


def _lenient(body: bytes) -> Any:
    """The body of an error, None when it is not JSON: the status alone says enough."""
    try:
        return content.parse(body)
    except ValueError:
        return None
