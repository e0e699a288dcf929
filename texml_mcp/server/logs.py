"""Log lines on stderr, for people or as JSON objects. Nothing of a call's contents is ever in one."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any, Literal, cast

Format = Literal["text", "json"]

# At their own levels httpx would write every URL it requests, and URLs hold phone numbers; the writer of
# event streams every answer; the runner of MCP what it drops. The session manager tells every start and end.
_QUIET = (
    *("httpx", "httpcore", "sse_starlette"),
    *("mcp.server.runner", "mcp.shared", "mcp.server.streamable_http_manager"),
)


class _Wordless(logging.Formatter):
    """Tells where an exception comes from, never in its own words: they can quote a number or a secret."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name that logging has
        return "".join(_traces(ei[1])).rstrip("\n")


def _traces(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    yield from _traces(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
    ending = [*traceback.format_tb(error.__traceback__), f"{type(error).__qualname__}\n"]
    if isinstance(error, BaseExceptionGroup):
        inner = cast("tuple[BaseException, ...]", error.exceptions)  # pyright: ignore[reportUnknownMemberType]
        for each in inner:
            yield from _traces(each)
    yield from ending


class JsonLines(_Wordless):
    """One object a line: `at` (UTC), `level`, `logger`, `message`, and `error` for an exception."""

    converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


class TextLines(_Wordless):
    """A line for people; what a record knows beside its message follows as `key=value`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging has
        return " ".join(
            [super().formatMessage(record), *(f"{name}={value}" for name, value in _facts(record).items())]
        )


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    return getattr(record, "facts", {})


def configure(level: str, format: Format = "text") -> None:
    """Send the log to stderr: on stdio stdout is the protocol's alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonLines() if format == "json" else TextLines("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
