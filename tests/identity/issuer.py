"""An OAuth issuer on this machine: keys that rotate, metadata, and every way such a server can fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE = "https://calls.example/mcp"

# Made once: an RSA key takes a while.
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE_KEYS: dict[str, Any] = {
    "RS256": RSA,
    "RS384": RSA,
    "RS512": RSA,
    "PS256": RSA,
    "PS384": RSA,
    "PS512": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


@dataclass(frozen=True)
class In:
    """A time claim, counted from when the token is made."""

    seconds: float


def new_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_jwk(private: Any, **more: Any) -> dict[str, Any]:
    """The public half of a key as it stands in a key set."""
    public = private.public_key()
    if isinstance(private, rsa.RSAPrivateKey):
        made = RSAAlgorithm.to_jwk(public, as_dict=True)
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        made = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        assert isinstance(private, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
        made = OKPAlgorithm.to_jwk(public, as_dict=True)
    made.pop("key_ops", None)
    return {**made, **more}


def b64(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_with_public_key(claims: dict[str, Any], kid: str) -> str:
    """The classic forgery: HS256, with the RSA public key, which everybody has, as the secret."""
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{b64({'alg': 'HS256', 'kid': kid, 'typ': 'JWT'})}.{b64(claims)}"
    return f"{signed}.{b64(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


class Issuer:
    """Answers by path from `answers`: a JSON value, bytes as they are, or (status, headers, body)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._released = threading.Event()
        self.private: Any = PRIVATE_KEYS["EdDSA"]
        self.kid = "k1"
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.delay = 0.0
        self.publish()

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks"

    def publish(self, *keys: dict[str, Any]) -> None:
        """Publish these keys, or the one that signs."""
        self.answers["/jwks"] = {"keys": list(keys) or [public_jwk(self.private, kid=self.kid)]}

    def rotate(self, kid: str) -> None:
        self.private, self.kid = new_key(), kid
        self.publish()

    def wait(self) -> None:
        """As long as an answer takes."""
        self._released.wait(self.delay)

    def release(self) -> None:
        """Let every answer that is still held back go out."""
        self.delay = 0.0
        self._released.set()

    def describe(self, path: str, **metadata: Any) -> None:
        self.answers[path] = {"issuer": self.url, "jwks_uri": self.jwks_url, **metadata}

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        made = {"iss": self.url, "aud": AUDIENCE, "sub": "user-1", "exp": now + 600, "iat": now, **changes}
        return {
            name: value.seconds + now if isinstance(value, In) else value
            for name, value in made.items()
            if value is not ...
        }

    def token(self, *, headers: dict[str, Any] | None = None, algorithm: str = "EdDSA", **claims: Any) -> str:
        header = {"kid": self.kid, **(headers or {})}
        header = {name: value for name, value in header.items() if value is not ...}
        return jwt.encode(self.claims(**claims), self.private, algorithm=algorithm, headers=header)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def running() -> Iterator[Issuer]:
    """An issuer that listens on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            issuer.wait()
            answer = issuer.answers.get(self.path, (404, {}, b""))
            status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test output is for tests."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Nothing: a client that went away is part of some tests."""

    with Server(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            issuer.release()
            server.shutdown()
            thread.join()
