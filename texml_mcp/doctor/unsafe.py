"""What works and is unsafe all the same, in plain words."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from texml_mcp.doctor.model import Facts, Findings, ok, problem, warning
from texml_mcp.settings import Settings, SettingsError
from texml_mcp.text import clean


def check_safety(settings: Settings, facts: Facts) -> Findings:
    """Needs the facts that the API told: it goes last."""
    from texml_mcp.server.services import is_live

    if is_live(settings):
        yield from _approval_and_spending(settings, facts)
    if settings.http:
        yield from _open_to(settings)
    for flag, path in (("--tokens-file", settings.tokens_file), ("--accounts-file", settings.accounts_file)):
        if path is not None:
            yield from _file(flag, path)


def _approval_and_spending(settings: Settings, facts: Facts) -> Findings:
    from texml_mcp.gate.state import State
    from texml_mcp.server.services import build_judge

    try:
        policy = build_judge(settings, State(None)).policy
    except SettingsError:
        return  # the policy's own finding says it
    off = sorted(risk for risk, mode in policy.modes.items() if mode == "off")
    if (policy.mode or settings.confirm) == "off":
        yield warning(
            "approval",
            "Nobody is asked before a real call is placed or cut off (mode off). Use auto or strict.",
        )
    elif off:
        yield warning(
            "approval",
            f"Nobody is asked about calls of risk {', '.join(off)} (mode off). Use auto or strict.",
        )
    elif (policy.mode or settings.confirm) == "token":
        yield warning("approval", "A model can say yes to itself (mode token). Use auto, strict or external.")
    else:
        yield ok("approval", "Somebody is asked before what spends, cuts off or deletes.")
    here = policy.guards.budgets == "enforce" and policy.guards.spend_per_day is not None
    if here or facts.spend_capped:
        whose = "The policy" if here else "Every outbound voice profile"
        yield ok("spending", f"{whose} has a limit for a day.")
    else:
        seen = (
            "and no profile's could be read"
            if facts.spend_capped is None
            else "and not every profile has one"
        )
        yield warning(
            "spending",
            f"The policy has no spend_per_day, {seen}: a mistake can cost without end. Set either.",
        )


def _open_to(settings: Settings) -> Findings:
    from texml_mcp.server.http.addresses import addresses, has_identities
    from texml_mcp.server.http.starting import build_identities

    try:
        addresses(settings)
        build_identities(settings)
    except SettingsError as error:
        yield problem("who may connect", f"The server would not start. {clean(str(error), 300)}")
        return
    if not has_identities(settings):
        yield warning("who may connect", "Whoever uses this machine may connect. Make a --tokens-file.")
    else:
        yield ok("who may connect", "Those who say who they are, under the names that are allowed.")


def _file(flag: str, path: Path) -> Findings:
    if os.name == "nt":
        return
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        yield problem(flag, f"{path} cannot be looked at: {error.strerror}.")
        return
    if mode & 0o022:
        yield problem(flag, f"Others can write {path}, and let themselves in: chmod 600 it.")
    elif mode & 0o044:
        yield warning(flag, f"Others can read {path}: chmod 600 it, unless the server runs as another user.")
    else:
        yield ok(flag, f"{path} is this user's alone.")
