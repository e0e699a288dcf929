"""Which addresses this server may listen on and answer to: no page of somebody else's may talk to it.

A browser sends any page's requests to a name that its owner points here (DNS rebinding). What tells them
apart is the Host header, and the Origin header where there is one; both are checked before anything else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from texml_mcp.settings import Settings, SettingsError

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9.\-_]+)(?::(?P<port>\d{1,5}|\*))?", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The Host and Origin headers that are answered, in lower case; a port of `*` is any port."""

    hosts: frozenset[str]
    origins: frozenset[str]

    def answers_host(self, host: str) -> bool:
        """Whether a request with this Host header is answered."""
        return _among(host, self.hosts)

    def answers_origin(self, origin: str) -> bool:
        """Whether a request with this Origin header is answered."""
        scheme, separator, host = origin.lower().partition("://")
        if not separator:
            return False  # "null" among them: a sandboxed frame, a file, a redirect across sites
        return any(
            scheme == allowed.partition("://")[0] and _among(host, frozenset({allowed.partition("://")[2]}))
            for allowed in self.origins
        )


def _among(given: str, allowed: frozenset[str]) -> bool:
    found = _HOST.fullmatch(given)
    if found is None:
        return False
    name = found["name"].lower()
    return given.lower() in allowed or f"{name}:*" in allowed


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server on this address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def written(host: str, port: int) -> str:
    """An address as URLs have it: `127.0.0.1:8000`, `[::1]:8000`."""
    bare = host.strip("[]")
    return f"[{bare}]:{port}" if ":" in bare else f"{bare}:{port}"


def addresses(settings: Settings) -> Addresses:
    """What is answered. Raises `SettingsError` for a start that would be open to whoever comes by."""
    public = _public(settings.public_url)
    hosts = {_host(each) for each in settings.allowed_hosts}
    origins = {_origin(each) for each in settings.allowed_origins}
    if is_loopback(settings.host):
        hosts |= {f"{name}:*" for name in _LOOPBACK} | set(_LOOPBACK)
        origins |= {f"http://{name}:*" for name in _LOOPBACK}
    else:
        missing = [
            *([] if has_identities(settings) else ["identities (--tokens-file or --oauth-issuer)"]),
            *([] if hosts else ["the names it answers to (--allowed-hosts)"]),
        ]
        if missing:
            raise SettingsError(
                f"{settings.host} can be reached from other machines, which needs {' and '.join(missing)}. "
                "Nothing was started."
            )
    if public is not None:
        hosts.add(public[1])
        origins.add(f"{public[0]}://{public[1]}")
    return Addresses(frozenset(hosts), frozenset(origins))


def has_identities(settings: Settings) -> bool:
    """Whether those who connect must say who they are."""
    return settings.tokens_file is not None or settings.oauth_issuer is not None


def _public(url: str | None) -> tuple[str, str] | None:
    """Scheme and host of the public URL."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        parts = urlsplit("")
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in ("http", "https") or not plain or _HOST.fullmatch(parts.netloc) is None:
        raise SettingsError("--public-url must be like https://calls.example.com, without a path.")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SettingsError("--public-url must be https: tokens and approvals would be read on the way.")
    return parts.scheme, parts.netloc.lower()


def _host(text: str) -> str:
    found = _HOST.fullmatch(text)
    if found is None:
        raise SettingsError(f"--allowed-hosts: {text!r} is not a host, like calls.example.com or name:8000.")
    return text.lower()


def _origin(text: str) -> str:
    scheme, separator, host = text.rstrip("/").partition("://")
    if scheme not in ("http", "https") or not separator or _HOST.fullmatch(host) is None:
        raise SettingsError(
            f"--allowed-origins: {text!r} is not an origin, like https://console.example.com."
        )
    return f"{scheme}://{host}".lower()
