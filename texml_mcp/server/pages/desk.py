"""What the pages need from the server they belong to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from texml_mcp.call import Services
from texml_mcp.gate.external import Queue
from texml_mcp.identity import Principal


@dataclass(frozen=True, slots=True)
class Desk:
    """`authenticate` tells whose a bearer token is (None: nobody's, and it never raises), `services_for` what
    that principal may use. `cookie_keys` sign session cookies, the newest first, and are shared by replicas.
    `public_url` is where people reach the server, empty when unknown.
    """

    authenticate: Callable[[str], Awaitable[Principal | None]]
    services_for: Callable[[Principal], Services]
    queue: Queue
    cookie_keys: tuple[bytes, ...]
    public_url: str
