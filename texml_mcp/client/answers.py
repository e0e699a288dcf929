"""A status that is not success -> an error with a code, an outcome and a field.

Outcome of a write, by status, and why:

- 4xx: `rejected`. 409 names a state that stood in the way, 425 and 429 come from a limiter in front of
  the handler: in none of them was anything done.
- 408: `unknown`. Written by the server it means "your request never became complete", but balancers
  answer it too, for a request that they had passed on.
- 5xx: `unknown`, 503 with `retry-after` included: a handler may fail after it has dialled.
- 301, 302, 303: `unknown`, since 303 is what a server answers after it did the work. 307 and 308 ask
  for the same request elsewhere, so nothing was done: `rejected`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, cast

from texml_mcp.catalog.model import Endpoint
from texml_mcp.client.errors import ErrorCode, Outcome, UpstreamError
from texml_mcp.client.text import clean

TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
_UNSETTLED = frozenset((301, 302, 303, 408))

_BY_CODE = {
    "10004": (ErrorCode.MISSING_PARAMETER, "a required parameter is missing"),
    "10006": (ErrorCode.INVALID_ID, "an id is not valid"),
    "10009": (ErrorCode.AUTHENTICATION_FAILED, "the API key was not accepted; check TELNYX_API_KEY"),
    "10010": (ErrorCode.NOT_AUTHORIZED, "the API key may not do this"),
    "10011": (ErrorCode.RATE_LIMITED, "too many requests; wait before the next"),
    "10015": (ErrorCode.BAD_REQUEST, "the request was not understood"),
    "10016": (ErrorCode.NOT_E164, "a phone number must be E.164, such as +12125550100"),
    "10021": (ErrorCode.RESOURCE_IN_USE, "the resource is still in use"),
    "10026": (ErrorCode.INVALID_TYPE, "a parameter has the wrong type"),
    "10032": (ErrorCode.INVALID_ENUM, "a parameter is not one of the accepted values"),
    "90014": (ErrorCode.INVALID_SEND_DIGITS, "SendDigits holds something that is no digit or pause"),
    "90015": (ErrorCode.INVALID_ID, "the call SID is not valid"),
    "90018": (ErrorCode.CALL_ENDED, "the call has already ended"),
    "90019": (ErrorCode.CONFERENCE_ENDED, "the conference has already ended"),
    "90047": (ErrorCode.PARTICIPANT_ON_HOLD, "the participant is on hold"),
}
_BY_STATUS = {
    400: (ErrorCode.BAD_REQUEST, "the request was not understood"),
    401: _BY_CODE["10009"],
    403: _BY_CODE["10010"],
    404: (ErrorCode.NOT_FOUND, "there is no such resource"),
    409: (ErrorCode.CONFLICT, "the current state does not allow it"),
    422: (ErrorCode.VALIDATION_FAILED, "a parameter was not accepted"),
    429: _BY_CODE["10011"],
}

# The documented 422 names a parameter that does not exist.
_MISNAMED = {"applicationid": "applicationsid"}


def refusal(
    endpoint: Endpoint,
    status: int,
    body: Any,
    headers: Mapping[str, str],
    secrets: Iterable[str] = (),
) -> UpstreamError:
    """The error for a status outside 2xx; `body` is the parsed answer, or None."""
    first, others = _first_error(body)
    upstream: dict[str, Any] = {"status": status}
    for name in ("code", "title", "detail"):
        value = first.get(name)
        if (
            isinstance(value, (str, int))
            and not isinstance(value, bool)
            and (text := clean(str(value), secrets))
        ):
            upstream[name] = text

    code, said = _meaning(endpoint, status, upstream.get("code"))
    outcome = outcome_of(endpoint, status)
    detail = upstream.get("detail") or upstream.get("title")
    summary = f"Upstream answered {status}: {said}"
    if detail and detail.rstrip(".").casefold() not in summary.casefold():
        summary += f" ({detail.rstrip('.')})"
    if others:
        summary += f", and {others} more"
    return UpstreamError(
        code,
        f"{summary}. {_ENDINGS[outcome] if not endpoint.reads else ''}".rstrip(),
        outcome,
        field=_field(endpoint, first),
        retry_after_seconds=retry_after(headers),
        upstream=upstream,
        transient=status in TRANSIENT,
    )


def outcome_of(endpoint: Endpoint, status: int) -> Outcome:
    """What a status outside 2xx says about whether it happened; see the top of this module."""
    if endpoint.reads:
        return "rejected"
    return "unknown" if status >= 500 or status in _UNSETTLED or status < 300 else "rejected"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after` (seconds or HTTP date) or else `x-ratelimit-reset`."""
    given = headers.get("retry-after")
    if given is not None:
        seconds = _seconds(given)
        if seconds is None:
            try:
                seconds = parsedate_to_datetime(given).timestamp() - time.time()
            except (ValueError, OverflowError):
                seconds = None
        if seconds is not None:
            return max(0.0, round(seconds, 3))
    reset = _seconds(headers.get("x-ratelimit-reset", ""))
    remaining = headers.get("x-ratelimit-remaining")
    if reset is None or (remaining is not None and _seconds(remaining) not in (None, 0.0)):
        return None
    return reset


_ENDINGS: dict[Outcome, str] = {
    "not_sent": "Nothing was sent.",
    "rejected": "It was not done.",
    "unknown": "It may have happened: read the state before trying again.",
}


def ending(endpoint: Endpoint, outcome: Outcome) -> str:
    """The sentence that says what became of it; a read needs it only when nothing left."""
    return _ENDINGS[outcome] if not endpoint.reads or outcome == "not_sent" else "Nothing was changed."


def _meaning(endpoint: Endpoint, status: int, upstream_code: str | None) -> tuple[ErrorCode, str]:
    if status >= 500:
        return ErrorCode.UPSTREAM_FAILED, "it failed inside"
    if status == 404 and _may_be_the_account(endpoint, upstream_code):
        return (
            ErrorCode.NOT_FOUND_OR_WRONG_ACCOUNT,
            "there is no such resource, or account_sid is not this key's account; check TELNYX_ACCOUNT_SID",
        )
    if upstream_code in _BY_CODE:
        return _BY_CODE[upstream_code]
    return _BY_STATUS.get(status, (ErrorCode.REFUSED, "it refused"))


def _may_be_the_account(endpoint: Endpoint, upstream_code: str | None) -> bool:
    names = [param.name for param in endpoint.path_params]
    # With no other id in the path, nothing else can be missing.
    return "account_sid" in names and (upstream_code == "10005" or len(names) == 1)


def _first_error(body: Any) -> tuple[dict[str, Any], int]:
    if not isinstance(body, dict):
        return {}, 0
    errors = cast("dict[str, Any]", body).get("errors")
    if not isinstance(errors, list):
        return {}, 0
    found = [cast("dict[str, Any]", each) for each in cast("list[Any]", errors) if isinstance(each, dict)]
    return (found[0], len(found) - 1) if found else ({}, 0)


def _field(endpoint: Endpoint, error: Mapping[str, Any]) -> str | None:
    source = error.get("source")
    pointer = cast("dict[str, Any]", source).get("pointer") if isinstance(source, dict) else None
    if not isinstance(pointer, str):
        return None
    name = pointer.lstrip("/").split("/", 1)[0].replace("~1", "/").replace("~0", "~").casefold()
    name = _MISNAMED.get(name, name)
    return next((param.key for _, param in endpoint.params() if param.name.casefold() == name), None)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not 0 <= value < float("inf"):
        return None
    # Documented as seconds to go; a point in time is read as one all the same.
    return max(0.0, round(value - time.time(), 3)) if value > 1e8 else value
