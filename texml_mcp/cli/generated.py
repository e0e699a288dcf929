"""What is made from the code beside tool_schemas/: tables of pages, docs/tools/, the schema of a policy."""

from __future__ import annotations

import re
from pathlib import Path

from texml_mcp.catalog import DEFAULT, ENDPOINTS, OPT_IN, Endpoint
from texml_mcp.cli import committed
from texml_mcp.cli.docs import FOLDER
from texml_mcp.cli.options import table
from texml_mcp.gate.policy import default_action
from texml_mcp.gate.policy.schema import FILE_NAME, schema_text
from texml_mcp.tools.files import definitions, offered_definitions
from texml_mcp.tools.offer import OFFERED_SETS, offered
from texml_mcp.tools.schema import model_text, token_estimate
from texml_mcp.tools.validate_texml import NAME

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"


def tools_table() -> str:
    """Every tool: what it does, its endpoint, and whether it asks first."""
    lines = ["| tool | what it does | endpoint | asks first |", "|---|---|---|---|"]
    lines += [_row(each) for each in DEFAULT]
    local = definitions()["validate_texml"]
    lines.append(f"| `validate_texml` | {local['description']} | local | no |")
    for toolset in OPT_IN:
        lines += ["", f"Offered only where it is named (`--toolsets default,{toolset}`):", "", *lines[:2]]
        lines += [_row(each) for each in ENDPOINTS if each.toolset == toolset]
    return "\n".join(lines)


def _row(each: Endpoint) -> str:
    return f"| `{each.id}` | {each.description} | `{each.method} {each.path}` | {_asks(each)} |"


def _asks(each: Endpoint) -> str:
    if each.reads:
        return "no"
    kinds = [risk for risk in each.risks if not risk.reversible or risk.kind.value not in ("config",)]
    always = default_action(each, {}) == "confirm" and all(str(risk.when) == "always" for risk in each.risks)
    return "yes" if always else "no" if not kinds else "by what it does"


def toolsets_table() -> str:
    """Every toolset: what a model pays for it, and its tools. validate_texml is in each."""
    lines = ["| toolset | tokens | tools beside `validate_texml` |", "|---|---:|---|"]
    for each in OFFERED_SETS:
        names = offered(toolsets=[each])
        others = ", ".join(f"`{name}`" for name in names if name != NAME)
        told = f"the {len(DEFAULT)}, where nothing is named" if names == offered() else others
        cost = sum(token_estimate(model_text(tool)) for tool in offered_definitions(names))
        lines.append(f"| `{each}` | {cost:,} | {told} |")
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
    return _filled(text, tools=tools_table(), toolsets=toolsets_table(), settings=settings_table())


def _filled(text: str, **tables: str) -> str:
    """The page with each table between its markers. Raises `ValueError` where they are missing."""
    for name, content in tables.items():
        block = re.compile(rf"(<!-- {name}: generated -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, found = block.subn(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
        if not found:
            raise ValueError(f"the markers of {name} are missing")
    return text


def expected() -> dict[str, str]:
    """Every file that is made, in whole or in part, by its path from the root of a checkout.

    Plays the examples on a sandbox, which takes seconds. Raises `RehearsalError` for one that fails.
    """
    import anyio

    from texml_mcp.cli.docs import errors, policy, rehearsal, tools

    def present(path: str) -> str:
        return (ROOT / path).read_text("utf-8")

    played = anyio.run(rehearsal.play_all)
    index, shown = f"{FOLDER}/README.md", tools.structured(played["create_queue"])
    return {
        README.name: render(present(README.name)),
        "docs/errors.md": _filled(present("docs/errors.md"), codes=errors.tables()),
        "docs/policy.md": _filled(present("docs/policy.md"), keys=policy.tables()),
        index: _filled(present(index), structured=shown, pages=tools.index()),
        **tools.pages(played),
        f"texml_mcp/gate/policy/{FILE_NAME}": schema_text(),
    }


def _present() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / FOLDER).glob("*.md"))


def write() -> list[str]:
    """Write every page, remove what no tool owns; the names that changed."""
    return committed.write(ROOT, expected(), _present())


def check() -> list[str]:
    """What is missing, stale or left over."""
    return committed.problems(ROOT, expected(), _present())
