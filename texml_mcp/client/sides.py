"""Which side a base URL and a key belong to: the live API, or a sandbox.

Mixed up, a rehearsal dials real people, or a live key ends in the log of a test double.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from texml_mcp.client.errors import ErrorCode, UpstreamError

SANDBOX_PREFIX = "sandbox"
_LIVE_DOMAIN = "telnyx.com"


def normal_base_url(base_url: str) -> str:
    """The base URL without a trailing slash; `ValueError` for what is not a plain http(s) address."""
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("the base URL is not a valid address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the base URL must begin with https:// (or http:// for a sandbox) and name a host")
    # httpx turns a user in the URL into an Authorization header of its own, in place of the key.
    if parts.username is not None or parts.password is not None:
        raise ValueError("the base URL must not hold a user or password")
    if parts.query or parts.fragment:
        raise ValueError("the base URL must not hold a query or fragment")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.endswith(".localhost") or _is_127(host)


def is_live(host: str) -> bool:
    host = host.rstrip(".")
    return host == _LIVE_DOMAIN or host.endswith("." + _LIVE_DOMAIN)


def is_sandbox(host: str) -> bool:
    """True of this machine, and of a host whose first label is or begins with `sandbox`."""
    return is_loopback(host) or host.split(".")[0].split("-")[0] == SANDBOX_PREFIX


def mix_up(base_url: str, api_key: str) -> UpstreamError | None:
    """The refusal when the key must not go to this address. Any other host is taken as a gateway."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    sandbox_key = api_key.startswith(SANDBOX_PREFIX)
    if sandbox_key and is_live(host):
        return _refused(ErrorCode.WRONG_SIDE, "A sandbox key was about to go to the live API")
    if not sandbox_key and is_sandbox(host):
        return _refused(ErrorCode.WRONG_SIDE, "A live key was about to go to a sandbox")
    if not sandbox_key and parts.scheme != "https":
        return _refused(ErrorCode.INSECURE_ADDRESS, "A live key goes over https only")
    return None


def _refused(code: ErrorCode, said: str) -> UpstreamError:
    return UpstreamError(code, f"{said}. Nothing was sent.", "not_sent")


def _is_127(host: str) -> bool:
    labels = host.split(".")
    return len(labels) == 4 and labels[0] == "127" and all(label.isdecimal() for label in labels)
