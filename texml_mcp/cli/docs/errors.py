"""The tables of docs/errors.md: every code that a result can carry, with what it means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Codes that come from the same place. `codes` maps each to its meaning."""

    title: str
    said: str
    codes: dict[str, str]


GROUPS = (
    Group(
        "The arguments",
        "Outcome `not_sent`, status `error`. The summary names what is valid.",
        {
            "unknown_argument": "no argument has this name; the summary suggests one",
            "missing_argument": "one that is needed is not there",
            "invalid_argument": "a value is none of those that are valid",
            "conflicting_arguments": "two that exclude each other, or one without the other it needs",
            "missing_account": "no `account_sid`, and none is configured",
            "invalid_texml": "inline TeXML that would not run; line and column in the summary",
        },
    ),
    Group(
        "This server",
        "Outcome `not_sent`, but for the last two, whose outcome says whether a write had left.",
        {
            "account_not_allowed": "the account is none of the caller's, or there is no key for it",
            "too_many_calls": "one principal calls too fast; `retry_after_seconds` says when again",
            "busy": "as many calls run as may at once; HTTP only",
            "shutting_down": "the server is stopping; HTTP only",
            "client_closed": "the server has stopped sending",
            "wrong_side": "a sandbox key for the live API, or the reverse",
            "insecure_address": "a live key over plain HTTP",
            "cannot_ask": "mode `strict`, and this client cannot show a form",
            "duplicate": "the same create is being sent at this moment",
            "state_unavailable": "the gate's own records, or the shared store, cannot be used",
            "overdue": "the call took longer than the server lets any take",
            "internal_error": "a bug of this server; its log says more",
        },
    ),
    Group(
        "Policy and guards",
        "Status `denied`, outcome `not_sent`. Asking again changes nothing.",
        {
            "policy_denied": "the policy does not allow it, or a panic stops all writes: see the summary",
            "emergency_number": "an emergency or crisis number, among arguments that are wrong",
            "number_emergency": "an emergency or crisis number, by itself or inside TeXML or a SIP address",
            "destination_too_long": "a number or address too long to be judged",
            "number_invalid": "no number that could be assigned",
            "number_not_e164": "no leading + and country code",
            "number_premium": "a premium-rate number",
            "number_shared_cost": "a shared-cost number",
            "number_personal": "a personal number, billed at a special rate",
            "number_pager": "a pager",
            "number_uan": "a company access number, billed at a special rate",
            "number_voicemail": "a voicemail access number",
            "number_satellite": "a satellite or international-network number",
            "country_denied": "in a country of `denied_countries`",
            "country_not_allowed": "in no country of `allowed_countries`",
            "caller_not_own": "a caller id that is not among `own_caller_ids`",
            "url_unreadable": "no URL, or one that could be read in two ways",
            "url_scheme": "a scheme that does not belong there",
            "host_not_allowed": "a host that is not among `url_hosts` or `sip_hosts`",
            "host_private": "an address or name of a private network",
            "host_loopback": "this machine itself",
            "host_link_local": "a link-local address",
            "host_metadata": "where clouds keep the credentials of their machines",
            "host_multicast": "a multicast address",
            "host_unspecified": "no address, or one that means any",
            "sip_unreadable": "a SIP address without a host",
            "sip_rerouted": "a SIP address that goes to another host than it names",
            "quiet_hours": "it is night there, and the policy denies such calls",
            "zone_unknown": "nobody can tell what time it is there, and the policy denies such calls",
            "calls_per_minute": "too many calls in a minute",
            "calls_per_hour": "too many calls in an hour",
            "per_destination_per_hour": "too many calls to this number in an hour",
            "concurrent_calls": "too many calls are open",
            "spend_per_day": "it could cost more than is left of the day's budget",
            "spend_unknown": "`spend_per_day` is set without `rate_per_minute_cost`",
            "loop": "the same write too many times within seconds",
            "guard_failed": "a guard could not do its work, which is a no",
        },
    ),
    Group(
        "On the way to the API",
        "Outcome `not_sent`: nothing of the request left.",
        {
            "connection_refused": "nobody listens at the address",
            "dns_failed": "the host's name could not be resolved",
            "tls_failed": "no TLS connection, or certificates that cannot be verified or read",
            "proxy_failed": "the proxy refused, or the environment names one that cannot be used",
            "connect_failed": "no connection for another reason",
            "connect_timeout": "no connection in time",
            "too_busy": "no connection became free in time",
        },
    ),
    Group(
        "No answer that settles it",
        "Outcome of a write: `unknown`. `next` holds the read that tells.",
        {
            "timeout": "no answer in time",
            "connection_lost": "the connection ended before an answer",
            "truncated_answer": "the answer was cut off",
            "malformed_answer": "the answer cannot be decompressed",
            "not_json": "a page, usually of a proxy or a firewall",
            "answer_too_large": "more than is taken",
            "unexpected_answer": "JSON of another form than is documented",
            "redirected": "the host points elsewhere, where the key is not sent",
            "upstream_failed": "5xx",
        },
    ),
    Group(
        "The API said no",
        "Outcome `rejected`. `upstream` has its status, code and words.",
        {
            "bad_request": "400",
            "authentication_failed": "401: check `TELNYX_API_KEY`",
            "not_authorized": "403: check what the key may do",
            "not_found": "404",
            "not_found_or_wrong_account": "404 that may mean the account: give the id of `GET /v2/whoami`",
            "not_visible_yet": "404 for something created a moment ago: reads lag",
            "conflict": "409",
            "resource_in_use": "something else still uses it (code 10021)",
            "validation_failed": "422 without a code that says more",
            "invalid_enum": "422: no such value",
            "invalid_type": "422: another type is wanted",
            "invalid_id": "422: no such identifier",
            "missing_parameter": "422: one is missing",
            "not_e164": "422: a number needs + and country code",
            "invalid_send_digits": "422: digits that cannot be sent",
            "call_ended": "code 90018: the call is over",
            "conference_ended": "code 90019: the conference is over",
            "participant_on_hold": "code 90047: not while on hold",
            "rate_limited": "429; `retry_after_seconds` says when again",
            "refused": "another 4xx",
        },
    ),
)


def documented() -> set[str]:
    """Every code that has a meaning here."""
    return {code for group in GROUPS for code in group.codes}


def tables() -> str:
    """A table for each group."""
    blocks: list[str] = []
    for group in GROUPS:
        rows = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in group.codes.items())
        blocks.append(f"## {group.title}\n\n{group.said}\n\n| code | meaning |\n|---|---|\n{rows}")
    return "\n\n".join(blocks)
