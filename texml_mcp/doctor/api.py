"""The API as this installation reaches it: address, clock, and each key with its account and its limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, cast
from urllib.parse import quote, urlsplit

from texml_mcp.client.sides import mix_up, normal_base_url
from texml_mcp.doctor.model import Facts, Finding, Findings, ok, problem, skipped, warning
from texml_mcp.doctor.probe import Answer, Probe, Unreached
from texml_mcp.doctor.profiles import check_profiles
from texml_mcp.placeholders import is_placeholder
from texml_mcp.settings import LIVE_URL, Settings
from texml_mcp.text import clean

SLOW_SECONDS, SKEW_SECONDS = 2.0, 30.0
_SET_KEY = "Make one in the Telnyx portal and set TELNYX_API_KEY."


@dataclass(frozen=True, slots=True)
class Way:
    """A key, and the account it is for; `label` is empty when there is only one."""

    key: str
    sid: str | None
    label: str = ""

    def name(self, what: str) -> str:
        return f"{what} of {self.label}" if self.label else what


_NO_KEY = Way("", None)  # to see whether anybody is there


def check_api(settings: Settings, facts: Facts) -> Findings:
    """Everything that is asked over the network, in two rounds."""
    try:
        base_url = normal_base_url(settings.base_url)
    except ValueError as error:
        yield problem("address", f"--base-url cannot be used: {error}.")
        return
    ways: list[Way] = []
    for each in _ways(settings, base_url, facts):
        if isinstance(each, Finding):
            yield each
        else:
            ways.append(each)
    try:
        probe = Probe(base_url, settings.timeout_seconds)
    except OSError:  # what the environment names as authorities is none
        yield problem(
            "address", "The trusted certificates cannot be read. Check SSL_CERT_FILE and SSL_CERT_DIR."
        )
        return
    answers = probe.all([partial(probe.get, "/whoami", way.key) for way in ways or [_NO_KEY]])
    reached = [each for each in answers if isinstance(each, Answer)]
    yield _address(base_url, answers[0] if not reached else min(reached, key=lambda each: each.seconds))
    if not reached:
        yield skipped("key and account", "The API was not reached.")
        return
    yield _clock(reached[0])
    # A second round, side by side, so that a slow address cannot keep anybody for long.
    works: list[Callable[[], Answer | Unreached]] = []
    for way in ways:
        works += [
            partial(probe.get, "/texml_applications", way.key, {"page[size]": "1"}),
            partial(_calls, probe, way),
            partial(probe.get, "/outbound_voice_profiles", way.key, {"page[size]": "250"}),
        ]
    seen = probe.all(works)
    for at, way in enumerate(ways):
        light, account, profiles = seen[3 * at : 3 * at + 3]
        organization = _organization(answers[at])
        key = _key(way, answers[at], light, organization)
        yield key
        if key.verdict == "problem":
            yield skipped(way.name("account"), "The key is not accepted.")
            continue
        yield _account(way, account, organization)
        yield from check_profiles(way.name("outbound voice profile"), profiles, facts)


def _calls(probe: Probe, way: Way) -> Answer | Unreached:
    """The lightest read of an account."""
    if way.sid is None:
        return Unreached("no account is set")
    return probe.get(f"/texml/Accounts/{quote(way.sid, safe='')}/Calls", way.key, {"PageSize": "1"})


def _ways(settings: Settings, base_url: str, facts: Facts) -> list[Way | Finding]:
    """The keys that may go to this address, and a finding for each that may not."""
    if settings.accounts_file is not None:
        from texml_mcp.accounts import AccountsError, load_accounts
        from texml_mcp.client import Upstream

        keys: list[str] = []

        def noted(key: str) -> Upstream:
            keys.append(key)
            facts.secrets.add(key)
            return Upstream(key, base_url=base_url)

        try:
            known = load_accounts(settings.accounts_file, noted)
        except AccountsError as error:
            return [problem("accounts", f"{error}.")]
        return [
            Way(key, account.sid, account.name or account.sid)
            for key, account in zip(keys, known.values(), strict=True)
        ]
    key = settings.api_key.get_secret_value().strip() if settings.api_key else ""
    if not key:
        return [problem("key", f"There is no API key. {_SET_KEY} Or serve with --sandbox.")]
    facts.secrets.add(key)
    if is_placeholder(key):
        return [problem("key", f"TELNYX_API_KEY is still the placeholder of an example. {_SET_KEY}")]
    if not all("!" <= each <= "~" for each in key):
        return [problem("key", f"TELNYX_API_KEY holds characters that no key has. {_SET_KEY}")]
    if refused := mix_up(base_url, key):
        live = base_url == LIVE_URL
        cure = (
            _SET_KEY if live else "Set --base-url to the API, over https, or a key that begins with sandbox."
        )
        return [problem("key", f"{refused.summary} {cure}")]
    return [Way(key, settings.account_sid)]


def _address(base_url: str, answer: Answer | Unreached) -> Finding:
    where = urlsplit(base_url).netloc
    if isinstance(answer, Unreached):
        return problem(
            "address", f"{where} was not reached: {answer.why}. Check --base-url, network and proxy."
        )
    if 300 <= answer.status < 400:
        return problem(
            "address", f"{where} redirects ({answer.status}), which is not followed. Check --base-url."
        )
    how = f"over {answer.tls}" if answer.tls else "without TLS"
    took = f"answered in {answer.seconds * 1000:.0f} ms {how}"
    if answer.seconds > SLOW_SECONDS:
        return warning("address", f"{where} {took}: every call will be slow. Check network and proxy.")
    return ok("address", f"{where} {took}.")


def _clock(answer: Answer) -> Finding:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return skipped("clock", "The API told no time to compare with.")
    off = time.time() - theirs
    if abs(off) <= SKEW_SECONDS:
        return ok("clock", "This clock and the API's agree.")
    told = f"This clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} the API's"
    return warning("clock", f"{told}: approvals expire and webhooks are signed by time. Set it, by NTP.")


def _organization(answer: Answer | Unreached) -> str | None:
    if isinstance(answer, Unreached) or answer.status != 200:
        return None
    data: Any = answer.data_of("data") or answer.body
    found = cast("dict[str, Any]", data).get("organization_id") if isinstance(data, dict) else None
    return clean(found, 60) if isinstance(found, str) and found.strip() else None


def _key(
    way: Way, whoami: Answer | Unreached, light: Answer | Unreached, organization: str | None
) -> Finding:
    name = way.name("key")
    if organization:
        return ok(name, f"Accepted; its organization id is {organization}.")
    # An address without whoami: a gateway, or a sandbox. A list that needs no account tells as much.
    asked = light if isinstance(whoami, Answer) and whoami.status == 404 else whoami
    if isinstance(asked, Unreached):
        return warning(name, f"It could not be checked: {asked.why}. Run this again.")
    match asked.status:
        case 401:
            return problem(name, f"It is not accepted ({asked.told}). {_SET_KEY}")
        case 403:
            return warning(
                name, f"It is known, but may not be asked about ({asked.told}); calls may fail too."
            )
        case 404:
            return problem(
                name, "The address does not have this API (404). Check --base-url; it ends in /v2."
            )
        case 200 if asked is light and asked.body is not None:
            return ok(name, "Accepted; this address does not tell its organization id.")
        case 200:
            return warning(name, "The answer to GET /whoami held no organization id. Check --base-url.")
        case _:
            return warning(name, f"It could not be checked: the API answered {asked.told}. Run this again.")


def _named(organization: str | None) -> str:
    """The variable to set, with its value where the API has told it."""
    return f"TELNYX_ACCOUNT_SID={organization}" if organization else "TELNYX_ACCOUNT_SID"


def _account(way: Way, answer: Answer | Unreached, organization: str | None) -> Finding:
    name = way.name("account")
    if way.sid is None:
        return warning(name, f"None is set, so that every call must name one. Set {_named(organization)}.")
    sid = clean(way.sid, 60)
    if is_placeholder(way.sid):
        return problem(name, f"{sid!r} is the placeholder of an example. Set {_named(organization)}.")
    if isinstance(answer, Unreached):
        return warning(name, f"{sid} could not be checked: {answer.why}. Run this again.")
    match answer.status:
        case 200 if isinstance(answer.body, dict):
            return ok(name, f"The key reads the calls of {sid}.")
        case 200:
            return problem(
                name, "What answered is not this API: its list of calls is no JSON. Check --base-url."
            )
        case 404:
            return problem(name, _wrong(way, sid, answer, organization))
        case 401 | 403:
            return problem(
                name, f"The key may not read calls of {sid} ({answer.told}). Give it the right to."
            )
        case _:
            return warning(
                name, f"{sid} could not be checked: the API answered {answer.told}. Run this again."
            )


def _wrong(way: Way, sid: str, answer: Answer, organization: str | None) -> str:
    twilio = " It looks like a Twilio SID." if sid.startswith("AC") and len(sid) == 34 else ""
    told = f"{sid} is not an account of this key ({answer.told}).{twilio}"
    if organization == sid:
        return f"{told} It is the key's organization id, so ask Telnyx whether TeXML is enabled for it."
    where = "the file of accounts" if way.label else "TELNYX_ACCOUNT_SID"
    value = organization or "the organization id that GET /v2/whoami answers"
    return f"{told} Set {where} to {value}."
