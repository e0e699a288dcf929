"""What may run, what asks first and what never runs: one TOML file, read strictly, failing closed."""

from texml_mcp.gate.policy.decide import Decision, Match, carried_risks, decide
from texml_mcp.gate.policy.defaults import Action, default_action
from texml_mcp.gate.policy.errors import PolicyError
from texml_mcp.gate.policy.load import SHIPPED, load, load_named, parse, shipped, shipped_text
from texml_mcp.gate.policy.model import MODES, Policy, Role, strictest
from texml_mcp.gate.policy.rule import Mode, Rule
from texml_mcp.gate.policy.watch import PolicySource

__all__ = [
    "MODES",
    "SHIPPED",
    "Action",
    "Decision",
    "Match",
    "Mode",
    "Policy",
    "PolicyError",
    "PolicySource",
    "Role",
    "Rule",
    "carried_risks",
    "decide",
    "default_action",
    "load",
    "load_named",
    "parse",
    "shipped",
    "shipped_text",
    "strictest",
]
