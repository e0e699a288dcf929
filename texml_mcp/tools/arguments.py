"""Arguments of a call: lenient in, strict in meaning.

What a model sends is turned into typed values under the documented wire names, or refused with a
sentence that says what to change. Spelling and obvious types are forgiven (`to`, `"60"`, `"true"`);
an unknown name, a value outside its documented choices and a contradiction are not.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from typing import Any

from texml_mcp.catalog import Endpoint, Param
from texml_mcp.catalog.common import ACCOUNT_SID
from texml_mcp.text import shown
from texml_mcp.tools.local import Local, local_params
from texml_mcp.tools.values import ValueRefusedError, coerce

MOST_PROBLEMS = 5


class ArgumentError(Exception):
    """Arguments that cannot be sent. `problems` are sentences, the first about `field`."""

    def __init__(self, code: str, problems: list[str], field: str | None = None) -> None:
        shown_problems = problems[:MOST_PROBLEMS]
        if hidden := len(problems) - len(shown_problems):
            shown_problems.append(f"And {hidden} more.")
        self.code = code
        self.field = field
        self.summary = " ".join(shown_problems)
        super().__init__(self.summary)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of one call: `wire` by documented name, `local` for the tool itself."""

    wire: dict[str, Any]
    local: Local
    account_given: bool = True
    notes: list[str] = field(default_factory=list[str])

    @property
    def repeatable(self) -> dict[str, Any]:
        """The wire arguments as the caller would give them again: without a configured account."""
        return {k: v for k, v in self.wire.items() if self.account_given or k != ACCOUNT_SID.name}


@dataclass(frozen=True, slots=True)
class _Names:
    documented: dict[str, Param]  # by squashed spelling
    local: dict[str, Param]
    keys: tuple[str, ...]


def _squash(name: str) -> str:
    """`ApplicationSid`, `application_sid`, `applicationSid` are one name; `StartTime>` keeps its end."""
    return (
        name.replace(">", "gt")
        .replace("<", "lt")
        .replace("_", "")
        .replace("-", "")
        .replace("[", "")
        .replace("]", "")
    ).lower()


@cache
def _names(endpoint: Endpoint) -> _Names:
    documented: dict[str, Param] = {}
    keys: list[str] = []
    for _, param in endpoint.params():
        keys.append(param.key)
        for spelling in (param.name, param.key, *param.aliases):
            documented[_squash(spelling)] = param
    local = {_squash(param.name): param for param in local_params(endpoint)}
    return _Names(documented, local, (*keys, *(param.name for param in local_params(endpoint))))


def parse(
    endpoint: Endpoint,
    given: Mapping[str, Any] | None,
    account_sid: str | None = None,
    secret_env: Collection[str] = (),
) -> Arguments:
    """Arguments of a call as they will be sent.

    `account_sid` is the configured account, used when the call names none; `secret_env` the environment
    variables that a secret may be read from. Raises `ArgumentError`.
    """
    names = _names(endpoint)
    wire: dict[str, Any] = {}
    local: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    unknown: list[str] = []
    for name, value in (given or {}).items():
        squashed = _squash(name) if len(name) <= 80 else name
        param = names.documented.get(squashed)
        into = wire
        if param is None:
            param, into = names.local.get(squashed), local
        if param is None:
            unknown.append(name)
            continue
        if value is None:
            continue  # models spell "not given" as null
        try:
            value = coerce(param, value)
        except ValueRefusedError as problem:
            problems.append((param.key, str(problem)))
            continue
        if param.name in into and into[param.name] != value:
            problems.append((param.key, f"{param.key} is given twice with different values."))
        into[param.name] = value
    if unknown:
        raise ArgumentError("unknown_argument", [_unknown(unknown, names)], unknown[0][:80])

    if "value_env" in local and not problems:
        wire["value"] = _from_environment(wire, str(local["value_env"]), secret_env)
    account_given = ACCOUNT_SID.name in wire
    if not account_given and any(param is ACCOUNT_SID for param in endpoint.path_params):
        if account_sid:
            wire[ACCOUNT_SID.name] = account_sid
        elif not problems:
            raise ArgumentError(
                "missing_account",
                ["No account: give account_sid, or set TELNYX_ACCOUNT_SID for the server."],
                "account_sid",
            )
    broken = {key for key, _ in problems}
    missing = [
        param.key
        for _, param in endpoint.params()
        if param.required and param.name not in wire and param.key not in broken and param is not ACCOUNT_SID
    ]
    if missing and not problems:
        raise ArgumentError("missing_argument", [f"Missing: {', '.join(missing)}."], missing[0])
    if problems:
        sentences = [sentence for _, sentence in problems]
        if missing:
            sentences.append(f"Missing: {', '.join(missing)}.")
        raise ArgumentError("invalid_argument", sentences, problems[0][0])

    notes: list[str] = []
    for rule in endpoint.rules:
        sentence = rule.check(wire)
        if sentence is None:
            continue
        if rule.refuses:
            raise ArgumentError("conflicting_arguments", [sentence], rule.names[0])
        notes.append(sentence)
    return Arguments(wire, Local(**local), account_given, notes)


def _from_environment(wire: Mapping[str, Any], name: str, allowed: Collection[str]) -> str:
    """The value of an allowed environment variable, so that it need not pass through a model."""
    if "value" in wire:
        raise ArgumentError("conflicting_arguments", ["Give only one of value, value_env."], "value_env")
    if name not in allowed:
        known = f" Allowed: {', '.join(sorted(allowed))}." if allowed else " None is allowed (--secret-env)."
        raise ArgumentError(
            "invalid_argument", [f"{shown(name)} is no allowed variable.{known}"], "value_env"
        )
    value = os.environ.get(name)
    if not value:
        raise ArgumentError("invalid_argument", [f"The server has no variable {name}."], "value_env")
    return value


def _unknown(unknown: list[str], names: _Names) -> str:
    """Names the arguments nobody knows, the nearest known one for each, and every valid name."""
    spelled = {_squash(key): key for key in names.keys}
    parts: list[str] = []
    for name in unknown[:3]:
        near = get_close_matches(_squash(name[:80]), spelled, n=1, cutoff=0.6)
        hint = f" (did you mean {spelled[near[0]]}?)" if near else ""
        parts.append(f"{shown(name)}{hint}")
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    plural = "arguments" if len(unknown) > 1 else "argument"
    return f"Unknown {plural} {', '.join(parts)}{more}. Valid: {', '.join(names.keys)}."
