"""What stands between the pages and everybody else's: headers, and where a form comes from."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from texml_mcp.server.pages.sessions import Session

LONGEST_FORM = 16 * 1024
_FIELDS = 10
_FORM = "application/x-www-form-urlencoded"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Nothing to other origins. With `no-referrer` a browser sends `Origin: null` with our own forms too.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}


class Problem(Exception):
    """A request that ends here, and what its person is told."""

    def __init__(self, status: int, title: str, words: str, *, wait_seconds: int = 0) -> None:
        super().__init__(words)
        self.status = status
        self.title = title
        self.words = words
        self.wait_seconds = wait_seconds


def protect(response: Response) -> Response:
    """The response with the headers that every page carries, and that it has not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def secure(public_url: str) -> bool:
    """Whether browsers reach the pages over TLS, so that cookies may be bound to it."""
    return public_url.lower().startswith("https:")


def refuse_foreign(request: Request, public_url: str) -> None:
    """Raise `Problem` unless a page of this very server sent the form."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origins = request.headers.getlist("origin")
    if site != "same-origin" or len(origins) != 1 or not _same(origins[0], request, public_url):
        raise Problem(
            403,
            "This form came from somewhere else",
            "Nothing was changed. Open the page at this server's own address and answer there.",
        )


def refuse_forged(form: Mapping[str, str], session: Session) -> None:
    """Raise `Problem` unless the form is one that this session was given."""
    if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
        raise Problem(
            403,
            "This form is not from your session",
            "Nothing was changed. Go back, reload the page, and answer again.",
        )


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form, each once. Raises `Problem` for one that is too long or not a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Problem(415, "This is not a form", "Nothing was changed. Only forms are read here.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_FORM:
            raise Problem(413, "This form is too long", f"Nothing was changed. At most {LONGEST_FORM} bytes.")
    try:
        found = parse_qs(
            bytes(body).decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_FIELDS,
            errors="strict",
        )
    except ValueError:
        found = {"": [""]}
    if any(not name or len(values) != 1 for name, values in found.items()):
        raise Problem(400, "This form cannot be read", "Nothing was changed. Reload the page and try again.")
    return {name: values[0] for name, values in found.items()}


def _same(origin: str, request: Request, public_url: str) -> bool:
    """Whether an origin is this server's: its public address, or the host that was asked for.

    Which hosts are answered at all has been checked before any page is asked.
    """
    scheme, _, place = origin.lower().partition("://")
    if scheme not in ("http", "https") or not place:
        return False
    if place == urlsplit(public_url).netloc.lower():
        return scheme == urlsplit(public_url).scheme.lower()
    return place == request.headers.get("host", "").lower()
