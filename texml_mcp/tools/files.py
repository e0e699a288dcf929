"""The committed tool definitions: read as they stand, so that listing tools builds nothing.

`tool_schemas/` holds one canonical JSON file a tool and an index with their order. It sits at the top
of a checkout, and inside the package in an installed wheel.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).resolve().parent.parent
INDEX = "index.json"


def directory() -> Path:
    """Where the definitions are; raises `FileNotFoundError` when the installation is broken."""
    for candidate in (_PACKAGE / "tool_schemas", _PACKAGE.parent / "tool_schemas"):
        if (candidate / INDEX).is_file():
            return candidate
    raise FileNotFoundError(
        "tool_schemas is missing: install texml-mcp again, or run texml-mcp schemas write"
    )


@cache
def definitions() -> dict[str, dict[str, Any]]:
    """Every tool definition by name, in the documented order."""
    where = directory()
    index = json.loads((where / INDEX).read_bytes())
    return {entry["name"]: json.loads((where / entry["file"]).read_bytes()) for entry in index["tools"]}


def canonical(value: Any) -> str:
    """The one way a definition is written: readable, stable, ending in a newline."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
