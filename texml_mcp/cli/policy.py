"""`texml-mcp policy`: is this file good, what would it say about a call, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import typer

from texml_mcp.catalog import ENDPOINTS, Endpoint, endpoint
from texml_mcp.cli.call import FAILED, OK, parse_pairs
from texml_mcp.cli.mistakes import typed, unknown_word
from texml_mcp.cli.output import USAGE, print_json, wrong_use
from texml_mcp.gate.policy import (
    Mode,
    Policy,
    PolicyError,
    carried_risks,
    decide,
    default_action,
    load_named,
    parse,
)
from texml_mcp.gate.policy.defaults import is_small
from texml_mcp.gate.policy.names import TOOLS
from texml_mcp.gate.policy.overview import entries
from texml_mcp.gate.ruling import Judge
from texml_mcp.gate.state import State
from texml_mcp.gate.store import StoreError
from texml_mcp.tools.arguments import ArgumentError
from texml_mcp.tools.arguments import parse as parse_arguments

# Explaining sends nothing, so that a call need not name an account; no account has this one.
_NO_ACCOUNT = "00000000-0000-0000-0000-000000000000"


def check(path: str, *, as_json: bool = False) -> int:
    """Say whether a policy file can be used: 0, or 1 with what is wrong and where."""
    try:
        policy = load_named(path)
    except PolicyError as error:
        if as_json:
            print_json({"valid": False, "problem": error.problem, "line": error.line})
        else:
            typer.echo(str(error), err=True)
        return FAILED
    if as_json:
        print_json({"valid": True, "rules": len(policy.rules), "mode": policy.mode})
        return OK
    rules = f"{len(policy.rules)} rule{'' if len(policy.rules) == 1 else 's'}"
    typer.echo(f"{path} is valid: {rules}, mode {policy.mode or 'as the server is configured'}.")
    return OK


def explain(
    tool: str,
    pairs: list[str],
    policy_name: str | None = None,
    *,
    mode: Mode = "auto",
    role: str | None = None,
    live: bool | None = None,
    state: State | None = None,
    as_json: bool = False,
) -> int:
    """Print what the policy says about one call, and send nothing.

    With `live` (false on the sandbox) and a `policy_name` the guards, the budgets of `state` and the panic
    switch are asked too, and `ruling` is what a server would do.

    `policy_name` is a file or a shipped policy; without one the built-in defaults are explained. 0 when
    the call may run or be asked about, 1 when it is denied, 2 when the question itself is wrong.
    """
    if tool not in TOOLS:
        typer.echo(unknown_word("tool", tool, TOOLS, typed(), lists="texml-mcp tools"), err=True)
        return USAGE
    known = endpoint(tool)
    try:
        policy = _named(policy_name)
        wire = parse_arguments(known, parse_pairs(pairs), _NO_ACCOUNT).wire
    except PolicyError as error:
        return wrong_use(str(error))
    except ArgumentError as error:
        return wrong_use(error.summary)
    except ValueError as error:
        return wrong_use(str(error))
    decision = decide(policy, known, wire, mode=mode, role=role)
    answer: dict[str, Any] = {
        "tool": tool,
        "decision": decision.action,
        "rule": decision.rule,
        "reason": decision.reason,
        "mode": decision.mode,
        "risks": _risks(known, wire),
        "entries": [f"{each.action}: {each.rule}" for each in decision.matches],
    }
    action = decision.action
    if live is not None and policy_name is not None:
        judge = Judge(policy_name, live=live, mode=mode, state=state)
        try:
            ruling = judge.rule(known, judge.fill(known, wire))
        except StoreError as error:
            return wrong_use(f"a server would send nothing: {error}")
        action = ruling.action
        answer["guards"] = [f"{each.guard}: {each.level}: {each.message}" for each in ruling.findings]
        answer["ruling"] = f"{action}: {' '.join(ruling.reasons)}" if action == "deny" else action
    if as_json:
        print_json(answer)
    else:
        for name, value in answer.items():
            lines = cast("list[str]", value) if isinstance(value, list) else [value]
            for line in lines or ["none"]:
                typer.echo(f"{name:<10}{line}")
    return FAILED if action == "deny" else OK


def show(policy_name: str | None = None, *, as_json: bool = False) -> int:
    """Print a policy: its settings, and tool by tool which of its entries can apply."""
    try:
        policy = _named(policy_name)
    except PolicyError as error:
        return wrong_use(str(error))
    if as_json:
        print_json(policy.model_dump(mode="json", exclude_unset=True))
        return OK
    for line in _settings(policy):
        typer.echo(line)
    typer.echo("")
    for each in ENDPOINTS:
        spoken = list(entries(policy, each))
        lines = [str(entry) for entry in spoken]
        if all(entry.when for entry in spoken):
            lines.append(f"{'else ' if lines else ''}{_default(each)}")
        for at, entry in enumerate(lines):
            typer.echo(f"{each.id if at == 0 else '':<32}{entry}")
    return OK


def _named(policy_name: str | None) -> Policy:
    return load_named(policy_name) if policy_name else parse("version = 1", "built-in")


def _risks(known: Endpoint, wire: dict[str, Any]) -> list[str]:
    told = [f"{risk.kind.value}: {risk.why}" for risk in known.risks_of(wire)]
    return told or sorted(carried_risks(known, wire)) or ["none known"]


def _settings(policy: Policy) -> Iterator[str]:
    if policy.description:
        yield policy.description
    yield f"mode: {policy.mode or 'as the server is configured'}"
    for risk, mode in policy.modes.items():
        yield f"mode of {risk}: {mode}"
    if policy.read_only:
        yield "read_only: every write is denied"
    for name, role in policy.roles.items():
        bounds = role.model_dump(mode="json", exclude_unset=True)
        yield f"role {name}: " + (
            "; ".join(f"{key} {_flat(value)}" for key, value in bounds.items()) or "all"
        )
    for option, value in policy.guards.model_dump(mode="json", exclude_unset=True).items():
        yield f"guards.{option}: {_flat(value)}"


def _default(known: Endpoint) -> str:
    if known.reads:
        return "allow"
    if any(str(risk.when) == "always" and not is_small(risk) for risk in known.risks):
        return "confirm"
    conditional = any(str(risk.when) != "always" for risk in known.risks)
    return "by what the arguments do" if conditional else default_action(known, {})


def _flat(value: Any) -> str:
    return ", ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else str(value)
