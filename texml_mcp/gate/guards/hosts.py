"""Which hosts a call may send audio, events and people to: none inside, only listed ones, only safe schemes.

An address is judged as the strictest resolver would read it: `0x7f.1`, `2130706433` and `[::ffff:127.0.0.1]`
are all loopback. Names are not resolved: that would tell the host that it is being looked at, and prove
nothing about the moment when Telnyx resolves it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

from texml_mcp.gate.guards.destinations import Place
from texml_mcp.gate.guards.digits import plain, user_and_host
from texml_mcp.gate.guards.model import Finding, GuardConfig, Level

GUARD = "hosts"
_SCHEMES = {"url": {"https", "http"}, "stream": {"wss", "ws"}}
_CLEAR = {"http", "ws"}
_METADATA_NAMES = {
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "metadata.goog",
    "metadata.azure.com",
}
_METADATA = {
    ip_address(each) for each in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
}
_INSIDE = (
    ".local",
    ".localdomain",
    ".internal",
    ".intranet",
    ".lan",
    ".home",
    ".home.arpa",
    ".corp",
    ".private",
)
# Names of these services resolve to the address that is written in them.
_MIRRORS = (".nip.io", ".sslip.io", ".xip.io", ".localtest.me", ".lvh.me", ".vcap.me")
_NAT64 = IPv6Address("64:ff9b::")
# What sends a SIP request elsewhere than to the host that it names.
_REROUTED = re.compile(r"[;?&]\s*(?:maddr|route)\s*=", re.IGNORECASE)
_TEMPLATE = re.compile(r"\{\{|\}\}|\$\{|<%")


def check(place: Place, config: GuardConfig, live: bool) -> tuple[Finding, ...]:
    """What there is to say of one URL, or of the host of one SIP address."""
    if place.kind in ("url", "stream"):
        return tuple(_url(place, config, live))
    if place.kind == "sip":
        return tuple(_sip(place, config, live))
    return ()


def _url(place: Place, config: GuardConfig, live: bool) -> list[Finding]:
    text = place.value.strip()
    if any(ord(each) < 33 or each == "\\" for each in text):
        # Parsers disagree on where the host of such an address ends.
        return [_finding(place, "deny", "url_unreadable", "holds white space or a backslash.")]
    try:
        parts = urlsplit(text)
        host = _host(parts)
        _ = parts.port
    except ValueError:
        return [_finding(place, "deny", "url_unreadable", "is not a URL.")]
    scheme = parts.scheme.lower()
    if _TEMPLATE.search(parts.netloc) or (not scheme and (place.templated or _TEMPLATE.search(text))):
        words = "has a host that is filled in only when the call runs."
        return [_finding(place, "confirm", "host_templated", words)]
    if text.startswith("/") and not text.startswith("//"):
        words = "is relative to wherever the document came from."
        return [_finding(place, "confirm", "url_relative", words)]
    allowed = _SCHEMES[place.kind]
    if scheme not in allowed:
        words = f"must be {' or '.join(sorted(allowed, reverse=True))}, not {scheme or 'a bare text'}."
        return [_finding(place, "deny", "url_scheme", words)]
    if not host:
        return [_finding(place, "deny", "url_unreadable", "names no host.")]
    found: list[Finding] = []
    if scheme in _CLEAR:
        found.append(_finding(place, "warn", "url_clear_text", "is not encrypted."))
    if "@" in parts.netloc:
        found.append(_finding(place, "warn", "url_credentials", "carries a user name or password."))
    found.extend(_inside(place, host, live))
    if config.url_hosts and not listed(host, config.url_hosts):
        found.append(
            _finding(place, "deny", "host_not_allowed", f"goes to {host}, which policy does not list.")
        )
    return found


def _sip(place: Place, config: GuardConfig, live: bool) -> list[Finding]:
    _, hostport = user_and_host(place.value)
    host = canonical(hostport if hostport.count(":") > 1 else hostport.partition(":")[0])
    if hostport.startswith("["):
        host = canonical(hostport[1:].partition("]")[0])
    if place.templated and (not host or _TEMPLATE.search(hostport)):
        words = "has a host that is filled in only when the call runs."
        return [_finding(place, "confirm", "host_templated", words)]
    if not host:
        return [_finding(place, "deny", "sip_unreadable", "names no SIP host.")]
    found = list(_inside(place, host, live))
    if _REROUTED.search(plain(place.value)):
        found.append(_finding(place, "deny", "sip_rerouted", "goes to another host than it names."))
    if not config.sip_hosts:
        words = f"goes to the SIP host {host}; policy lists no SIP hosts."
        found.append(_finding(place, "confirm", "sip_host_unlisted", words))
    elif not listed(host, config.sip_hosts):
        words = f"goes to the SIP host {host}, which policy does not list."
        found.append(_finding(place, "deny", "host_not_allowed", words))
    return found


def _inside(place: Place, host: str, live: bool) -> list[Finding]:
    kind = inside(host)
    if not kind or (kind == "loopback" and not live):
        return []
    return [_finding(place, "deny", f"host_{kind}", f"goes to {host}, a {kind} address.")]


def inside(host: str) -> str:
    """Why a host is not on the public internet, in one word; empty when it may be."""
    address = _address(host)
    if address is None:
        return _named(host)
    if address in _METADATA:
        return "metadata"
    if address.is_unspecified:
        return "unspecified"
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    return "" if address.is_global else "private"


def _named(host: str) -> str:
    if host in _METADATA_NAMES:
        return "metadata"
    if host in ("localhost", "ip6-localhost", "ip6-loopback") or host.endswith(".localhost"):
        return "loopback"
    if host.endswith((*_INSIDE, *_MIRRORS)) or "." not in host:
        return "private"  # a name without a dot is one of a local network
    return ""


def _address(host: str) -> IPv4Address | IPv6Address | None:
    if ":" in host:
        try:
            found = IPv6Address(host.partition("%")[0])
        except ValueError:
            return None
        return _embedded(found) or found
    return _loose_ipv4(host)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, compatible, NAT64, 6to4, Teredo."""
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    value = int(address)
    if value >> 32 in (0, int(_NAT64) >> 32) and value > 1:
        return IPv4Address(value & 0xFFFFFFFF)
    return None


def _loose_ipv4(host: str) -> IPv4Address | None:
    """An IPv4 address as `inet_aton` reads it: one to four parts, each decimal, octal or hexadecimal."""
    parts = host.split(".")
    if not 1 <= len(parts) <= 4 or not all(re.fullmatch(r"0x[0-9a-f]*|[0-9]+", each) for each in parts):
        return None
    values: list[int] = []
    for each in parts:
        if len(each) > 64:  # int() refuses thousands of digits, and no address has them
            return IPv4Address(0)
        if each.startswith("0x"):
            values.append(int(each[2:] or "0", 16))
        elif len(each) > 1 and each.startswith("0") and re.fullmatch(r"[0-7]+", each):
            values.append(int(each, 8))
        else:
            values.append(int(each))
    *front, last = values
    if any(each > 255 for each in front) or last >= 256 ** (5 - len(values)):
        return IPv4Address(0)  # no address at all: refused like the unspecified one
    total = last
    for place, each in enumerate(front):
        total += each << (24 - 8 * place)
    return IPv4Address(total)


def canonical(host: str) -> str:
    """A host in lower case and ASCII, without escapes, brackets and the dot that ends it."""
    text = plain(unquote(host)).lower().strip("[]")
    text = text.replace("。", ".").rstrip(".")
    try:
        return text.encode("idna").decode() if not text.isascii() else text
    except UnicodeError:
        return text


def _host(parts: SplitResult) -> str:
    return canonical(parts.hostname or "")


def listed(host: str, allowed: Sequence[str]) -> bool:
    """Whether a list names this host; `*.example.com` names every host below example.com."""
    for each in allowed:
        entry = each.strip().lower().rstrip(".")
        if host == entry or (entry.startswith("*.") and host.endswith(entry[1:])):
            return True
    return False


def _finding(place: Place, level: Level, code: str, words: str) -> Finding:
    # A finding is shown, logged and audited: the password of a URL must not go along.
    shown = re.sub(r"//[^/?#]*@", "//***@", place.value)
    return Finding(GUARD, level, code.replace("-", "_"), f"{place.where} {shown} {words}", shown)
