"""Reading what was just written, from an API whose reads trail behind.

A call that was placed a moment ago may answer 404. Taken at its word that means "the call does not
exist", and invites placing it again. So the SIDs that this process has just been given are
remembered for a while, and a 404 for one of them is asked again before it is told.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, cast

from texml_mcp.catalog.model import Effect, Endpoint
from texml_mcp.client.errors import ErrorCode, UpstreamError

FRESH_SECONDS = 30.0
REMEMBERED = 256
PAUSES = (0.5, 1.0, 1.5)

_SID_FIELDS = ("call_sid", "sid")


class RecentWrites:
    """The SIDs that creates were answered with, the newest `REMEMBERED` of them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written: OrderedDict[str, float] = OrderedDict()

    def note(self, endpoint: Endpoint, body: Any) -> None:
        """Remember what a create answered; any other answer is left alone."""
        if endpoint.effect is not Effect.CREATE or not isinstance(body, dict):
            return
        answer = cast("dict[str, Any]", body)
        for name in _SID_FIELDS:
            sid = answer.get(name)
            if isinstance(sid, str) and sid:
                self._written[sid] = self._clock()
                self._written.move_to_end(sid)
        while len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    def concerns(self, endpoint: Endpoint, arguments: Mapping[str, Any]) -> bool:
        """True when this is a trailing read of something written within `FRESH_SECONDS`."""
        if not endpoint.lagging:
            return False
        written = (self._written.get(str(arguments.get(param.name))) for param in endpoint.path_params)
        return any(at is not None and self._clock() - at <= FRESH_SECONDS for at in written)


def is_missing(error: UpstreamError) -> bool:
    return error.code in (ErrorCode.NOT_FOUND, ErrorCode.NOT_FOUND_OR_WRONG_ACCOUNT)


def not_visible_yet(error: UpstreamError) -> UpstreamError:
    """What a 404 means for something that was written here a moment ago."""
    return UpstreamError(
        ErrorCode.NOT_VISIBLE_YET,
        "Upstream accepted this a moment ago but cannot show it yet: reads lag. "
        "Read it again in a few seconds; do not create it again.",
        error.outcome,
        retry_after_seconds=3.0,
        upstream=error.upstream,
    )
