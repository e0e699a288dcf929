"""The limits that the vendor itself enforces: the ones that hold when everything here has failed."""

from __future__ import annotations

from typing import Any, cast

from texml_mcp.doctor.model import Facts, Finding, Findings, named, ok, skipped, warning
from texml_mcp.doctor.probe import Answer, Unreached
from texml_mcp.text import clean

MOST_SHOWN = 10
NEARLY_ALL = 200  # of about 255 destinations
_BACKSTOP = "Set it in the Telnyx portal: it is the real backstop, whatever happens here."


def check_profiles(name: str, answer: Answer | Unreached, facts: Facts) -> Findings:
    """One finding a profile that can be used, as far as the key may read them."""
    if isinstance(answer, Unreached):
        yield skipped(name, f"Its limits could not be read: {answer.why}.")
        return
    data: Any = answer.data_of("data")
    if answer.status != 200 or not isinstance(data, list):
        why = f"the API answered {answer.told}" if answer.status != 200 else "the answer held no list"
        yield skipped(name, f"Its limits could not be read: {why}. Look at them in the Telnyx portal.")
        return
    listed = [cast("dict[str, Any]", each) for each in cast("list[Any]", data) if isinstance(each, dict)]
    usable = [each for each in listed if each.get("enabled") is not False]
    if not usable:
        yield warning(name, "There is none that is enabled, so that no call goes out. Enable or make one.")
        return
    capped = all(_spend(each) is not None for each in usable)
    facts.spend_capped = capped if facts.spend_capped is None else facts.spend_capped and capped
    for each in usable[:MOST_SHOWN]:
        yield _judged(name, each)
    if len(usable) > MOST_SHOWN:
        open_ones = sum(_judged(name, each).verdict == "warning" for each in usable[MOST_SHOWN:])
        left = len(usable) - MOST_SHOWN
        text = f"{left} more are not listed here; {open_ones} of them lack a limit."
        yield warning(name, text) if open_ones else ok(name, text)


def _judged(name: str, profile: dict[str, Any]) -> Finding:
    title = f'"{clean(str(profile.get("name", "")), 40)}"'
    spend, calls, places = _spend(profile), profile.get("concurrent_call_limit"), _places(profile)
    missing = [
        *([] if spend is not None else ["no daily spend limit"]),
        *([] if _is_number(calls) else ["no limit of concurrent calls"]),
        *([] if places is not None else ["no short list of destinations"]),
    ]
    if missing:
        return warning(name, f"{title} has {named(missing)}. {_BACKSTOP}")
    rate = profile.get("max_destination_rate")
    most = f", at most {rate} a minute" if _is_number(rate) else ""
    return ok(name, f"{title}: {spend} USD a day, {calls} calls at once, {places} destinations{most}.")


def _spend(profile: dict[str, Any]) -> str | None:
    """The daily limit where it is enforced."""
    limit = profile.get("daily_spend_limit")
    if profile.get("daily_spend_limit_enabled") is not True or not isinstance(limit, (str, int, float)):
        return None
    return clean(str(limit), 20) or None


def _places(profile: dict[str, Any]) -> int | None:
    """How many destinations are allowed, when that is a choice and not everywhere."""
    listed: Any = profile.get("whitelisted_destinations")
    count = len(cast("list[Any]", listed)) if isinstance(listed, list) else 0
    return count if 0 < count < NEARLY_ALL else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
