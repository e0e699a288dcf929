"""The accounts a server may use: one key for whatever account is named, or several with keys of their own.

The file of accounts is TOML; keys themselves stay in the environment or in files of their own:

    [accounts."61bf923e-5e4d-4595-a110-56190ea18a1b"]
    name = "Clinic"                        # optional: what questions call it
    key_env = "TELNYX_API_KEY_CLINIC"      # or key_file = "/run/secrets/clinic"
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from texml_mcp.client import Upstream
from texml_mcp.text import clean

NAME_CAP = 40
_FIELDS = frozenset({"name", "key_env", "key_file"})


class AccountsError(Exception):
    """The accounts cannot be used; the text says which and why, never a key."""


class UnknownAccountError(Exception):
    """A call names an account that this server has no key for, or that its caller may not use."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account: the organization id, what people call it, and its way to the API."""

    sid: str
    name: str
    upstream: Upstream

    @property
    def label(self) -> str:
        """How a question names it."""
        return f"{self.sid} ({self.name})" if self.name else self.sid


class Accounts:
    """Where the calls of each account go. Without `known` accounts one key serves whatever is named."""

    def __init__(self, default: Upstream | None, known: Mapping[str, Account] | None = None) -> None:
        self._default = default
        self._known = dict(known or {})

    @property
    def several(self) -> bool:
        """Whether accounts have keys of their own, so that a call must be for one of them."""
        return bool(self._known)

    @property
    def sids(self) -> tuple[str, ...]:
        """The accounts with keys of their own, in the order of the file."""
        return tuple(self._known)

    def upstream(self, sid: str | None) -> Upstream:
        """The way to the API for an account. Raises `UnknownAccountError` when there is no key for it."""
        if not self._known:
            assert self._default is not None, "accounts are never made without any way to the API"
            return self._default
        if sid is None or (found := self._known.get(sid)) is None:
            raise UnknownAccountError(
                f"This server has no key for that account. Valid account_sid: {', '.join(self._known)}."
            )
        return found.upstream

    def label(self, sid: str | None) -> str:
        """How a question names an account; empty when there is nothing to tell."""
        if sid is None:
            return ""
        return self._known[sid].label if sid in self._known else sid

    async def aclose(self) -> None:
        """Close every connection."""
        for each in self._known.values():
            await each.upstream.aclose()
        if self._default is not None:
            await self._default.aclose()


def load_accounts(path: Path, upstream: Callable[[str], Upstream]) -> dict[str, Account]:
    """The accounts of a file; `upstream` makes the way to the API of a key. Raises `AccountsError`."""
    import tomllib  # a server with one key never reads such a file

    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AccountsError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AccountsError(f"{path} is not TOML: {error}") from None
    table: Any = content.get("accounts")
    if set(content) != {"accounts"} or not isinstance(table, dict) or not table:
        raise AccountsError(f'{path} must hold tables [accounts."ACCOUNT_SID"], and nothing else')
    return {sid: _account(path, sid, given, upstream) for sid, given in cast("dict[str, Any]", table).items()}


def _account(path: Path, sid: str, given: Any, upstream: Callable[[str], Upstream]) -> Account:
    where = f"{path}: account {clean(sid, 60)!r}"
    if not sid or clean(sid, 200) != sid:
        raise AccountsError(f"{where} is not an account SID")
    if not isinstance(given, dict):
        raise AccountsError(f"{where} must be a table")
    fields = cast("dict[str, Any]", given)
    if unknown := sorted(set(fields) - _FIELDS):
        raise AccountsError(f"{where}: {unknown[0]!r} is not known; there are name, key_env, key_file")
    if not all(isinstance(value, str) for value in fields.values()):
        raise AccountsError(f"{where}: every value must be text")
    if ("key_env" in fields) == ("key_file" in fields):
        raise AccountsError(f"{where} needs one of key_env and key_file")
    try:
        made = upstream(_key(path, where, fields))
    except ValueError as error:
        raise AccountsError(f"{where}: {error}") from None
    if refused := made.refusal():
        raise AccountsError(f"{where}: {refused.summary}")
    return Account(sid, clean(fields.get("name", ""), NAME_CAP), made)


def _key(path: Path, where: str, fields: Mapping[str, str]) -> str:
    if "key_env" in fields:
        key = os.environ.get(fields["key_env"], "").strip()
        if not key:
            raise AccountsError(f"{where}: the environment variable {fields['key_env']} is not set")
        return key
    try:
        # Beside the file of accounts, so that both can be mounted anywhere.
        key = (path.parent / fields["key_file"]).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise AccountsError(f"{where}: the key file {fields['key_file']} cannot be read") from None
    if not key:
        raise AccountsError(f"{where}: the key file {fields['key_file']} is empty")
    return key
