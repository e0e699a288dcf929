"""What each client in this process would do anew, once: that was a third of the time of many tests.

A client checks the schema of each tool that it calls, and loads certificates that nothing here needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

import httpcore2
import httpx._transports.default
from jsonschema import Draft202012Validator


def install() -> None:
    """For all tests of this process. What is checked and loaded is the same, only not again."""
    _schemas_checked_once()
    _certificates_loaded_once(httpcore2, "default_ssl_context")
    _certificates_loaded_once(httpx._transports.default, "create_ssl_context")


def _schemas_checked_once() -> None:
    check, known = Draft202012Validator.check_schema, set[str]()

    def checked(schema: Any, *given: Any, **more: Any) -> None:
        key = json.dumps([schema, given, more], sort_keys=True, default=repr)
        if key not in known:
            check(schema, *given, **more)
            known.add(key)

    Draft202012Validator.check_schema = staticmethod(checked)  # type: ignore[assignment, method-assign]


def _certificates_loaded_once(module: Any, name: str) -> None:
    load: Callable[..., Any] = getattr(module, name)

    @cache
    def loaded(_: tuple[str | None, ...], given: tuple[Any, ...], more: tuple[tuple[str, Any], ...]) -> Any:
        return load(*given, **dict(more))

    @wraps(load)
    def once(*given: Any, **more: Any) -> Any:
        where = tuple(os.environ.get(each) for each in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
        return loaded(where, given, tuple(more.items()))

    setattr(module, name, once)
