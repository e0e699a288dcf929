"""What holds of every policy and every call."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from texml_mcp.catalog import ENDPOINTS, TOOLSETS, Endpoint
from texml_mcp.gate.policy import Policy, PolicyError, decide, parse
from texml_mcp.gate.policy.lines import line_of
from texml_mcp.gate.policy.names import READS, RISKS, TOOLS
from texml_mcp.gate.policy.patterns import check_pattern

SEVERITY = {"allow": 0, "confirm": 1, "deny": 2}
ACTIONS = ["allow", "confirm", "deny"]
MODES = ["off", "token", "auto", "strict", "external"]

_LINES = [
    "version = 1",
    "mode = 'strict'",
    "[tools]",
    "create_call = 'deny'",
    "[risks]",
    "spends = 'confirm'",
    "[[rules]]",
    "name = 'a'",
    "action = 'deny'",
    "when.Record = true",
    "when.To.matches = '[0-9]+'",
    "[rules.when]",
    "[guards]",
    "hours = 'off'",
    "[roles.a]",
    "read_only = true",
    "= ] [[",
    'x = """',
]


@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(_LINES), max_size=12).map("\n".join)))
@example("version = 1\nx = " + "[" * 3000)
@example("version = 1\n\ud800")
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    line = 1
    try:
        parse(text)
    except PolicyError as error:
        line = error.line or 1
    assert 1 <= line <= text.count("\n") + 1


@given(st.text(alphabet="ab()[]{}|*+?\\^$.,1:P<>=!#x", max_size=14))
@settings(max_examples=500, deadline=None)
def test_any_pattern_is_fine_or_refused(pattern: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # `[[` may mean something else in a later Python
        try:
            check_pattern(pattern)
        except ValueError:
            return
        # An accepted pattern takes no exponential time: this ends at once, or the test run never does.
        re.search(pattern, "a" * 40 + "b" * 40 + "!", re.IGNORECASE)


@given(st.text(max_size=120), st.lists(st.one_of(st.text(max_size=5), st.integers(0, 3)), max_size=4))
def test_the_line_of_anything_is_inside_the_text(text: str, path: list[str | int]) -> None:
    line = line_of(text, path)
    assert line is None or 1 <= line <= text.count("\n") + 1


def _actions(names: tuple[str, ...], reads: frozenset[str]) -> st.SearchStrategy[dict[str, str]]:
    pair = st.sampled_from(names).flatmap(
        lambda name: st.tuples(
            st.just(name), st.sampled_from([a for a in ACTIONS if not (a == "confirm" and name in reads)])
        )
    )
    return st.lists(pair, max_size=5).map(dict)


WHEN = st.fixed_dictionaries(
    {},
    optional={
        "Record": st.booleans(),
        "TimeLimit": st.fixed_dictionaries({"min": st.integers(0, 5000)}),
        "Status": st.sampled_from(["completed"]),
        "To": st.fixed_dictionaries({"matches": st.sampled_from(["[+]1.*", "0100", "x"])}),
        "Texml": st.fixed_dictionaries({"given": st.booleans()}),
    },
)


@st.composite
def rules(draw: st.DrawFn, name: str = "r", action: str | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"name": name, "action": action or draw(st.sampled_from(ACTIONS))}
    if draw(st.booleans()):
        rule["toolsets"] = draw(st.lists(st.sampled_from(TOOLSETS), min_size=1, max_size=4, unique=True))
    if draw(st.booleans()):
        rule["risks"] = draw(st.lists(st.sampled_from(RISKS), min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):
        rule["when"] = draw(WHEN)
    return rule


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    found = [draw(rules(name=f"r{n}")) for n in range(draw(st.integers(0, 3)))]
    return {
        "version": 1,
        "mode": draw(st.sampled_from(MODES)),
        "read_only": draw(st.booleans()),
        "modes": draw(st.dictionaries(st.sampled_from(RISKS[1:]), st.sampled_from(MODES), max_size=3)),
        "tools": draw(_actions(TOOLS, READS)),
        "toolsets": draw(_actions(TOOLSETS, frozenset({"conference_recordings"}))),
        "risks": draw(_actions(RISKS, frozenset({"reads"}))),
        "rules": [rule for rule in found if _valid(rule)],
    }


def _valid(rule: dict[str, Any]) -> bool:
    """Rules that could never match are refused; these tests are about the others."""
    try:
        Policy.model_validate({"version": 1, "rules": [rule]})
    except ValueError:
        return False
    return True


ENDPOINT = st.sampled_from(ENDPOINTS)
WIRE = st.fixed_dictionaries(
    {},
    optional={
        "Record": st.booleans(),
        "TimeLimit": st.integers(30, 14_400),
        "Status": st.sampled_from(["completed", "paused", "stopped", "in-progress"]),
        "To": st.sampled_from(["+15555550100", "sip:desk@example.com"]),
        "Texml": st.just("<Response/>"),
        "SuperviseCallSid": st.just("CA1"),
        "Muted": st.booleans(),
    },
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(policies(), ENDPOINT, WIRE, st.data())
@settings(max_examples=200, deadline=None)
def test_adding_a_deny_never_permits_more(
    policy: dict[str, Any], endpoint: Endpoint, wire: dict[str, Any], data: st.DataObject
) -> None:
    more = data.draw(rules(name="added", action="deny"))
    assume(_valid(more))
    before = decide(Policy.model_validate(policy), endpoint, wire)
    after = decide(Policy.model_validate({**policy, "rules": [*policy["rules"], more]}), endpoint, wire)
    assert SEVERITY[after.action] >= SEVERITY[before.action]
    assert MODES.index(after.mode) >= MODES.index(before.mode)


@pytest.mark.long
@given(policies(), ENDPOINT, WIRE)
@settings(max_examples=200, deadline=None)
def test_read_only_never_permits_more(
    policy: dict[str, Any], endpoint: Endpoint, wire: dict[str, Any]
) -> None:
    before = decide(Policy.model_validate({**policy, "read_only": False}), endpoint, wire)
    after = decide(Policy.model_validate({**policy, "read_only": True}), endpoint, wire)
    assert SEVERITY[after.action] >= SEVERITY[before.action]
    assert endpoint.reads or after.action == "deny"


@pytest.mark.long
@given(policies(), ENDPOINT, WIRE, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_rules_changes_no_action(
    policy: dict[str, Any], endpoint: Endpoint, wire: dict[str, Any], random: Any
) -> None:
    shuffled = list(policy["rules"])
    random.shuffle(shuffled)
    one = decide(Policy.model_validate(policy), endpoint, wire)
    other = decide(Policy.model_validate({**policy, "rules": shuffled}), endpoint, wire)
    assert (one.action, one.mode) == (other.action, other.mode)


@given(policies(), ENDPOINT, st.data())
@settings(max_examples=200, deadline=None)
def test_deciding_never_raises_and_never_asks_about_a_read(
    policy: dict[str, Any], endpoint: Endpoint, data: st.DataObject
) -> None:
    names = [param.name for _, param in endpoint.params()]
    wire = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=4) if names else st.just({}))
    decision = decide(Policy.model_validate(policy), endpoint, wire)
    assert decision.action in ACTIONS
    assert not (endpoint.reads and decision.action == "confirm")
    assert decision.reason
