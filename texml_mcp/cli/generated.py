"""The tables of the README, written from the catalogue and the settings between their markers."""

from __future__ import annotations

import re
from pathlib import Path

from texml_mcp.catalog import ENDPOINTS, Endpoint
from texml_mcp.cli.options import table
from texml_mcp.gate.policy import default_action
from texml_mcp.tools.files import definitions
from texml_mcp.tools.offer import OFFERED_SETS, offered
from texml_mcp.tools.schema import model_text, token_estimate
from texml_mcp.tools.validate_texml import NAME

README = Path(__file__).resolve().parent.parent.parent / "README.md"


def tools_table() -> str:
    """Every tool: what it does, its endpoint, and whether it asks first."""
    lines = ["| tool | what it does | endpoint | asks first |", "|---|---|---|---|"]
    for each in ENDPOINTS:
        lines.append(f"| `{each.id}` | {each.description} | `{each.method} {each.path}` | {_asks(each)} |")
    local = definitions()["validate_texml"]
    lines.append(f"| `validate_texml` | {local['description']} | local | no |")
    return "\n".join(lines)


def _asks(each: Endpoint) -> str:
    if each.reads:
        return "no"
    kinds = [risk for risk in each.risks if not risk.reversible or risk.kind.value not in ("config",)]
    always = default_action(each, {}) == "confirm" and all(str(risk.when) == "always" for risk in each.risks)
    return "yes" if always else "no" if not kinds else "by what it does"


def toolsets_table() -> str:
    """Every toolset: what a model pays for it, and its tools. validate_texml is in each."""
    costs = {name: token_estimate(model_text(tool)) for name, tool in definitions().items()}
    lines = ["| toolset | tokens | tools beside `validate_texml` |", "|---|---:|---|"]
    for each in OFFERED_SETS:
        names = offered(toolsets=[each])
        others = ", ".join(f"`{name}`" for name in names if name != NAME)
        lines.append(f"| `{each}` | {sum(costs[name] for name in names):,} | {others} |")
    lines.append(f"| all, the default | {sum(costs.values()):,} | the {len(costs) - 1} |")
    return "\n".join(lines)


def settings_table() -> str:
    """Every setting: flag, variable, default, meaning."""
    lines = ["| flag of `serve` | variable | default | meaning |", "|---|---|---|---|"]
    for flag, variable, default, meaning in table():
        named, usual = (f"`{text}`" if text else "" for text in (flag, default))
        lines.append(f"| {named} | `{variable}` | {usual} | {meaning} |")
    return "\n".join(lines)


def render(text: str) -> str:
    """The README with its tables as they are now."""
    tables = {"tools": tools_table(), "toolsets": toolsets_table(), "settings": settings_table()}
    for name, content in tables.items():
        block = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = block.sub(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
    return text


def write(readme: Path = README) -> list[str]:
    """Write the tables; the names that changed."""
    before = readme.read_text(encoding="utf-8")
    after = render(before)
    if after == before:
        return []
    readme.write_text(after, encoding="utf-8")
    return [f"wrote {readme.name}"]
