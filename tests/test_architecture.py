"""The house: imports run one way, modules are about one thing, and nothing prints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import texml_mcp

PACKAGE = Path(texml_mcp.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each part may import of ours, besides itself and the leaves.
LEAVES = {"text", "locking", "placeholders", "wording", "__init__"}
MAY_IMPORT = {
    "catalog": set(),
    "texml": set(),
    "tools": {"catalog", "texml", "results"},
    "exports": {"catalog", "tools"},
    "client": {"catalog", "facts"},
    "facts": set(),
    "results": {"catalog"},
    "identity": {"catalog"},
    "hosts": set(),
    "gate": {"catalog", "texml", "client", "results", "tools", "identity"},
    "checking": {"catalog", "results", "texml", "tools"},
    "reading": {"call", "catalog", "client", "results", "tools"},
    "accounts": {"client"},
    "call": {"accounts", "catalog", "client", "facts", "gate", "results"},
    "refusals": {"call", "catalog", "client", "results", "tools"},
    "writing": {"call", "refusals", "checking", "catalog", "client", "gate", "results", "tools"},
    "execute": {
        *("accounts", "call", "refusals", "checking", "reading", "writing"),
        *("catalog", "client", "facts", "gate", "results", "tools"),
    },
    "settings": {"catalog"},
    "sandbox": {"catalog", "texml"},
    "server": {
        *("execute", "call", "texml", "catalog", "client", "gate", "results", "tools", "settings", "sandbox"),
        *("identity", "accounts", "facts", "refusals"),
    },
    "doctor": {"accounts", "catalog", "client", "gate", "hosts", "server", "settings", "tools"},
    "evals": {
        *("catalog", "client", "exports", "gate", "reading", "results"),
        *("sandbox", "server", "settings", "tools"),
    },
    "__main__": {"cli"},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"__main__"}


each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("texml_mcp"):
            rest = (node.module or "").split(".")[1:]
            yield from [rest[0]] if rest else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("texml_mcp."):
                    yield alias.name.split(".")[1]


@each_module
def test_imports_run_one_way(path: Path) -> None:
    part = part_of(path)
    if part in LEAVES:
        assert set(imported(path)) <= {"text"}
        return
    allowed = MAY_IMPORT[part] | {part, "__version__"} | LEAVES
    assert set(imported(path)) <= allowed, path


@each_module
def test_every_module_says_what_it_is_and_stays_small(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), path
    assert len(text.splitlines()) <= 400, path


def test_listing_tools_needs_no_heavy_import() -> None:
    import subprocess
    import sys

    probe = (
        "import sys; from texml_mcp.settings import load; "
        "from texml_mcp.server.services import build_services; "
        "from texml_mcp.server.app import build_server; s = build_services(load(sandbox=True)); "
        "build_server(s, sandbox=True); from texml_mcp.tools.files import definitions; definitions(); "
        "heavy = {'httpx', 'tenacity', 'jsonschema', 'phonenumbers', 'typer', 'rich', 'texml_mcp.sandbox', "
        "'texml_mcp.tools.schema', 'yaml', 'jinja2', 'sqlite3', 'redis', 'opentelemetry.sdk', "
        "'opentelemetry.metrics', 'prometheus_client'}; print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_readme_tables_are_current() -> None:
    from texml_mcp.cli.generated import README, render

    text = README.read_text()
    assert render(text) == text, "run texml-mcp schemas write"
