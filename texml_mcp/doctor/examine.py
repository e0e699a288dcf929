"""All checks in the order of the report, each kept from holding up or breaking the others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from texml_mcp.client.text import mask
from texml_mcp.doctor.api import check_api
from texml_mcp.doctor.configured import check_hosts
from texml_mcp.doctor.installation import check_installation
from texml_mcp.doctor.model import Facts, Finding, Findings, ok, problem
from texml_mcp.doctor.probe import together
from texml_mcp.doctor.state import check_policy, check_state
from texml_mcp.doctor.unsafe import check_safety
from texml_mcp.server.services import SANDBOX_KEY
from texml_mcp.settings import Settings
from texml_mcp.text import clean, secrets_of_url

LIMIT_SECONDS = 14.0
_MOST_TEXT = 600


def examine(settings: Settings) -> list[Finding]:
    """Every finding, in at most about `LIMIT_SECONDS`; none repeats a secret."""
    facts = Facts(secrets=_secrets(settings))
    network = partial(check_sandbox, settings) if settings.sandbox else partial(check_api, settings, facts)
    groups: dict[str, Callable[[], Findings]] = {
        "api": network,
        "policy": partial(check_policy, settings),
        "state": partial(check_state, settings),
        "installation": check_installation,
        "host": check_hosts,
    }
    late = [problem("doctor", f"A check did not end within {LIMIT_SECONDS:g} s.")]
    answers = together([partial(_all, name, check) for name, check in groups.items()], late, LIMIT_SECONDS)
    findings = [each for group in answers for each in group]
    findings += _all("safety", partial(check_safety, settings, facts))
    return [_told(each, facts) for each in findings]


def check_sandbox(settings: Settings) -> Findings:
    """Whether the sandbox inside this process answers a read."""
    import anyio

    from texml_mcp.catalog import endpoint
    from texml_mcp.server.services import SANDBOX_ACCOUNT, build_upstream

    async def read() -> None:
        upstream = build_upstream(settings)
        await upstream.send(endpoint("list_calls"), {"account_sid": SANDBOX_ACCOUNT})
        await upstream.aclose()

    anyio.run(read)
    yield ok("sandbox", "It answers. There is no key, account or limit to check, and nobody is rung.")


def _all(name: str, check: Callable[[], Findings]) -> list[Finding]:
    """What a check found; one that fails is a finding, and its words stay inside."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as error:
        found.append(problem(name, f"The check itself failed ({type(error).__name__}). Please report it."))
    return found


def _secrets(settings: Settings) -> set[str]:
    found = {*(secrets_of_url(settings.store) if settings.store else ()), *secrets_of_url(settings.base_url)}
    for each in (settings.api_key, settings.seal_keys):
        if each is not None:
            found |= {part.strip() for part in each.get_secret_value().split(",") if part.strip()}
    return found


def _told(finding: Finding, facts: Facts) -> Finding:
    secrets = facts.secrets - {SANDBOX_KEY}  # everybody knows it, and it is a word of sentences
    text = clean(mask(finding.text, secrets), _MOST_TEXT)
    return Finding(clean(mask(finding.name, secrets), 100), finding.verdict, text)
