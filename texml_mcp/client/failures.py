"""An exception of the transport -> an error that says whether the request left.

Nothing of an exception's text is repeated: it may hold a header, and so the key.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from texml_mcp.catalog.model import Endpoint
from texml_mcp.client.answers import ending
from texml_mcp.client.errors import ErrorCode, Outcome, UpstreamError


def failure(endpoint: Endpoint, error: Exception, *, left: bool, status: int | None) -> UpstreamError:
    """The error for a request that ended in an exception.

    `left` says that bytes of this request may have reached the network; `status` is that of an
    answer that had begun to arrive.
    """
    code, said, transient = _name(error, left=left, status=status)
    outcome: Outcome
    if not left or never_left(error):
        outcome = "not_sent"
    elif endpoint.reads and status is not None:
        outcome = "rejected"
    else:
        outcome = "unknown"
    return UpstreamError(
        code,
        f"{said}. {ending(endpoint, outcome)}",
        outcome,
        upstream=None if status is None else {"status": status},
        transient=transient,
    )


def never_left(error: Exception) -> bool:
    """True of the exceptions that httpcore raises only before the first byte of the request.

    It raises `ConnectError` and `ConnectTimeout` in connecting and in the TLS handshake, `PoolTimeout`
    while waiting for a connection, `ProxyError` when a tunnel was refused. `WriteError` is not here:
    some of the request left. Nor is the `RemoteProtocolError` of a kept-alive connection that the
    server had closed: whether it closed before or after reading cannot be told apart.
    """
    import httpx

    return isinstance(
        error,
        (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.InvalidURL),
    )


def _name(error: Exception, *, left: bool, status: int | None) -> tuple[ErrorCode, str, bool]:
    import httpx

    if isinstance(error, httpx.PoolTimeout):
        return ErrorCode.TOO_BUSY, "No connection to the API became free in time", True
    if isinstance(error, httpx.ConnectTimeout):
        return ErrorCode.CONNECT_TIMEOUT, "The API could not be reached in time", True
    if isinstance(error, httpx.ProxyError):
        return ErrorCode.PROXY_FAILED, "The proxy refused to connect to the API", False
    if isinstance(error, httpx.ConnectError):
        return _connect(error)
    if isinstance(error, httpx.InvalidURL):
        return ErrorCode.INVALID_ARGUMENT, "The arguments do not make a valid URL", False
    if isinstance(error, httpx.LocalProtocolError):
        return ErrorCode.CONNECT_FAILED, "The request could not be written as HTTP", False
    if isinstance(error, (httpx.TimeoutException, TimeoutError)):
        if not left:
            return ErrorCode.CONNECT_TIMEOUT, "The API could not be reached in time", True
        return ErrorCode.TIMEOUT, "The API did not answer in time", True
    if isinstance(error, httpx.DecodingError):
        return ErrorCode.MALFORMED_ANSWER, "The answer could not be decompressed", False
    if status is not None:
        return ErrorCode.TRUNCATED_ANSWER, "The connection was cut in the middle of the answer", True
    return ErrorCode.CONNECTION_LOST, "The connection ended without a usable answer", True


def _connect(error: Exception) -> tuple[ErrorCode, str, bool]:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ErrorCode.TLS_FAILED, "The API's TLS certificate could not be verified", False
        if isinstance(cause, ssl.SSLError):
            return ErrorCode.TLS_FAILED, "A TLS connection to the API could not be made", False
        if isinstance(cause, socket.gaierror):
            return ErrorCode.DNS_FAILED, "The API's host name could not be resolved", True
        if isinstance(cause, ConnectionRefusedError):
            return ErrorCode.CONNECTION_REFUSED, "The API refused the connection", True
    return ErrorCode.CONNECT_FAILED, "No connection to the API could be made", True


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Everything the error came from. httpcore clears `__cause__` on its way up; its args keep it."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        linked: list[object] = [each.__cause__, each.__context__, *each.args]
        if isinstance(each, BaseExceptionGroup):
            linked.extend(each.exceptions)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        waiting.extend(one for one in linked if isinstance(one, BaseException))
