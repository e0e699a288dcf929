"""An API on loopback that answers what a test wrote down, over http, or over https behind a proxy."""

from __future__ import annotations

import datetime
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ORGANIZATION = "61bf923e-5e4d-4595-a110-56190ea18a1b"
OTHER = "0d5d1b2a-77c4-4b0e-9f3a-2f4f7a1f9c11"
WRONG_ACCOUNT = {"errors": [{"code": "10005", "title": "Resource not found"}]}
PROFILE = {
    "name": "Main",
    "enabled": True,
    "daily_spend_limit": "100.00",
    "daily_spend_limit_enabled": True,
    "concurrent_call_limit": 10,
    "whitelisted_destinations": ["US", "CA"],
    "max_destination_rate": 0.5,
}


@dataclass
class Script:
    """What is answered: a status and a body (JSON, or bytes as they are) for each path under /v2.

    A number of the accounts that exist, the keys that are accepted with their organization, and how the
    server behaves: `date_off` seconds, a delay until `go_on` is set, a body that trickles.
    """

    keys: dict[str, str] = field(default_factory=lambda: {"sandbox-good": ORGANIZATION})
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    date: str | None = None
    date_off: float = 0.0
    wait: set[str] = field(default_factory=set)
    trickle: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    tls: ssl.SSLContext | None = None

    def answer(self, path: str, key: str) -> tuple[int, Any]:
        if path in self.answers:
            return self.answers[path]
        organization = self.keys.get(key)
        if organization is None:
            return 401, {"errors": [{"code": "10009", "title": "Authentication failed"}]}
        if path == "/whoami":
            return 200, {"data": {"record_type": "whoami", "organization_id": organization}}
        if path == "/texml_applications":
            return 200, {"data": [], "meta": {}}
        if path == "/outbound_voice_profiles":
            return 200, {"data": [PROFILE]}
        if path == f"/texml/Accounts/{organization}/Calls":
            return 200, {"calls": [], "page": 0}
        return 404, WRONG_ACCOUNT


@contextmanager
def speaking(script: Script) -> Iterator[str]:
    """The address of a server that follows the script; as an https proxy too, when the script has TLS."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            assert script.tls is not None
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self.connection = script.tls.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def do_GET(self) -> None:
            path = urlsplit(self.path).path.removeprefix("/v2")
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            script.asked.append((self.command, path, key))
            if path in script.wait:
                script.go_on.wait(30)
            status, body = script.answer(path, key)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response_only(status)
            self.send_header("Date", script.date or formatdate(time.time() + script.date_off, usegmt=True))
            self.send_header("Content-Length", str(len(data)))
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()
            for byte in data if script.trickle else b"":
                self.wfile.write(bytes([byte]))
                if script.go_on.wait(0.1):
                    return
            if not script.trickle:
                self.wfile.write(data)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # the client has had enough

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                raise AssertionError(f"the doctor sent {name.removeprefix('do_')}")
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        script.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(host: str, directory: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context for a host, and the file of the authority that a client must trust."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "authority.pem", directory / "server.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
