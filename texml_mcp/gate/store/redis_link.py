"""A connection to Redis that never repeats a command, never waits long, and never tells a password."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from texml_mcp.gate.store.model import StoreError

CONNECT_SECONDS = 1.0
COMMAND_SECONDS = 2.0
SCHEMES = ("redis", "rediss", "unix")
# Anything else could switch retries on, or checks off.
_OPTIONS = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_HOW = "redis://[user:password@]host[:port][/db], rediss://... for TLS, or unix:///path/to.sock[?db=0]"


class Link:
    """Commands to one Redis. Every failure is a `StoreError` whose text holds no part of the password.

    A lost answer is a failure too: the command may have run, so it is not sent again. A connection that
    failed is made anew for the next command.
    """

    def __init__(
        self, url: str, *, connect_seconds: float = CONNECT_SECONDS, command_seconds: float = COMMAND_SECONDS
    ) -> None:
        where, self.label = _parse(url)
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise StoreError(
                "Redis as a store needs the package redis: pip install 'texml-mcp[redis]'"
            ) from None
        self._closed = False
        self._client: Any = redis.Redis(
            **where,
            socket_connect_timeout=connect_seconds,
            socket_timeout=command_seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )
        self._scripts: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Link({self.label!r})"

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[str | float]) -> Any:
        """Run one script, by its digest where the server knows it."""
        given = (len(keys), *keys, *arguments)
        digest = self._scripts.get(script) or self._digest(script)
        try:
            return self.command("EVALSHA", digest, *given)
        except _UnknownScriptError:
            # The server has said that it did not run it: the one case in which asking again is safe.
            return self.command("EVAL", script, *given)

    def command(self, *words: Any) -> Any:
        """One command, once."""
        if self._closed:
            raise StoreError("the store is closed")
        from redis import exceptions as errors

        try:
            return self._client.execute_command(*words)
        except errors.NoScriptError as error:
            raise _UnknownScriptError(f"{self.label} does not know a script") from error
        except errors.AuthenticationError as error:
            raise StoreError(f"{self.label} does not accept the user or password") from error
        except errors.TimeoutError as error:
            raise StoreError(f"{self.label} did not answer in time") from error
        except (errors.ConnectionError, OSError) as error:
            raise StoreError(f"{self.label} cannot be reached") from error
        except errors.RedisError as error:
            # Only the kind: the text may quote what was sent.
            raise StoreError(f"{self.label} refused ({type(error).__name__})") from error
        except (ValueError, TypeError) as error:
            raise StoreError(f"{self.label} cannot keep that: {type(error).__name__}") from error

    def close(self) -> None:
        """Give the connections back. Everything afterwards is a `StoreError`."""
        self._closed = True
        self._client.close()

    def _digest(self, script: str) -> str:
        import hashlib

        self._scripts[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
        return self._scripts[script]


class _UnknownScriptError(StoreError):
    """The server has forgotten its scripts, or has never seen this one."""


def is_redis(url: str) -> bool:
    """Whether an address of a store names a Redis; one that is no address names none."""
    try:
        return urlsplit(url).scheme in SCHEMES
    except ValueError:  # redis://[
        return False


def _parse(url: str) -> tuple[dict[str, Any], str]:
    """Arguments for the client, and a name for messages. Raises `StoreError` without quoting the URL."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        if parts.scheme not in SCHEMES or not options.keys() <= _OPTIONS or parts.fragment:
            raise ValueError
        where: dict[str, Any] = {name: value for name, value in options.items() if name != "db"}
        if parts.username:
            where["username"] = unquote(parts.username)
        if parts.password:
            where["password"] = unquote(parts.password)
        if parts.scheme == "unix":
            if parts.hostname or not parts.path:
                raise ValueError
            where |= {"unix_socket_path": unquote(parts.path), "db": int(options.get("db", 0))}
            return where, f"the Redis at {where['unix_socket_path']}"
        if not parts.hostname:
            raise ValueError
        where |= {"host": parts.hostname, "port": parts.port or 6379, "ssl": parts.scheme == "rediss"}
        where["db"] = int(parts.path.strip("/") or options.get("db", 0))
        return where, f"the Redis at {where['host']}:{where['port']}"
    except ValueError:
        raise StoreError(f"the address of the store is not one of {_HOW}") from None
