"""One GET with a key, which always ends in time: an answer, or why there is none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from texml_mcp import __version__
from texml_mcp.client.sides import is_loopback

T = TypeVar("T")

LONGEST_SECONDS = 6.0
"""The most that one round of questions takes, name lookup and a trickling answer included."""
_MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status. `body` is None when it was not JSON; `seconds` to its head."""

    status: int
    headers: Mapping[str, str]
    body: Any
    seconds: float
    tls: str = ""

    @property
    def code(self) -> str:
        """The vendor's code of an error, empty without one."""
        errors: Any = self.data_of("errors")
        first: Any = cast("list[Any]", errors)[0] if isinstance(errors, list) and errors else None
        return str(cast("dict[str, Any]", first).get("code", "")) if isinstance(first, dict) else ""

    @property
    def told(self) -> str:
        """The status as a sentence repeats it."""
        return f"{self.status}, code {self.code}" if self.code[:10].isdecimal() else str(self.status)

    def data_of(self, name: str) -> Any:
        body: Any = self.body
        return cast("dict[str, Any]", body).get(name) if isinstance(body, dict) else None


@dataclass(frozen=True, slots=True)
class Unreached:
    """No answer, and why: "nothing listens there"."""

    why: str


class Probe:
    """Asks one address. `seconds` is the most that a whole answer may take."""

    def __init__(self, base_url: str, seconds: float = LONGEST_SECONDS) -> None:
        import httpx

        self.base_url = base_url
        self.seconds = min(seconds, LONGEST_SECONDS)
        self._connect, self._read = self.seconds / 2, self.seconds * 2 / 3
        # The environment's proxies and authorities, but not towards this machine: as calls go.
        self._trust_env = not is_loopback(urlsplit(base_url).hostname or "")
        self._tls = httpx.create_ssl_context(trust_env=self._trust_env)

    @property
    def late(self) -> Unreached:
        return Unreached(f"no whole answer within {self.seconds:g} s")

    def get(self, path: str, key: str, params: Mapping[str, str] | None = None) -> Answer | Unreached:
        """Ask once; redirects are not followed, so that the key stays here. Never raises for the network."""
        import httpx

        headers = {"Accept": "application/json", "User-Agent": f"texml-mcp/{__version__}"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        begun = time.monotonic()
        try:
            with (
                httpx.Client(
                    timeout=httpx.Timeout(self._read, connect=self._connect),
                    follow_redirects=False,
                    trust_env=self._trust_env,
                    verify=self._tls,
                ) as client,
                client.stream("GET", self.base_url + path, headers=headers, params=params) as response,
            ):
                seconds = time.monotonic() - begun
                data = b""
                for chunk in response.iter_bytes():
                    data += chunk
                    if len(data) > _MOST_BYTES:
                        break
                return Answer(response.status_code, response.headers, _json(data), seconds, _tls(response))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
            return Unreached(self._why(error))

    def all(self, works: Sequence[Callable[[], Answer | Unreached]]) -> list[Answer | Unreached]:
        """The answers to several questions that are asked at once."""
        return together(works, self.late, self.seconds)

    def _why(self, error: BaseException) -> str:
        import socket
        import ssl

        import httpx

        causes: list[BaseException] = [error]
        while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
            causes.append(cause)
        for each in causes:
            match each:
                case ssl.SSLCertVerificationError():
                    return f"its certificate is not trusted ({each.verify_message})"
                case ssl.SSLError():
                    return "it does not speak TLS as it should"
                case socket.gaierror():
                    return "its name cannot be found"
                case ConnectionRefusedError():
                    return "nothing listens there"
                case httpx.ConnectTimeout():
                    return f"no connection within {self._connect:g} s"
                case httpx.TimeoutException():
                    return f"no answer within {self._read:g} s"
                case (
                    ImportError() | ValueError() | httpx.InvalidURL()
                ):  # SOCKS needs a package that is not there
                    return "the environment names a proxy that cannot be used"
                case _:
                    continue
        return f"the connection failed ({type(error).__name__})"


def together(works: Sequence[Callable[[], T]], late: T, seconds: float) -> list[T]:
    """What each work answers, all at once; `late` for one that has not answered in time.

    Threads that nobody waits for: a name lookup cannot be cancelled, and must not hold up the end.
    """
    answers = [late] * len(works)

    def do(at: int, work: Callable[[], T]) -> None:
        answers[at] = work()

    threads = [threading.Thread(target=do, args=(at, work), daemon=True) for at, work in enumerate(works)]
    for each in threads:
        each.start()
    until = time.monotonic() + seconds
    for each in threads:
        each.join(max(0.0, until - time.monotonic()))
    return list(answers)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _tls(response: Any) -> str:
    stream = response.extensions.get("network_stream")
    channel = None if stream is None else stream.get_extra_info("ssl_object")
    return "" if channel is None else str(channel.version())
