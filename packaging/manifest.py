"""The manifest of the bundle: what Claude Desktop and its like show, ask for, and start."""

from __future__ import annotations

from typing import Any

from facts import PROJECT, SUMMARY, TITLE, VERSION, form, is_secret, meaning, variable

from texml_mcp.tools.files import offered_definitions
from texml_mcp.tools.offer import offered

ENTRY_POINT = "src/main.py"
# What a person is asked for, under which title. Each has a default, even an empty one: a host leaves
# the placeholder of a value without one as it is, and the server would take it for a key.
ASKED = {
    "api_key": ("Telnyx API key", ""),
    "account_sid": ("Telnyx account SID", ""),
    "sandbox": ("Sandbox", False),
    "read_only": ("Read only", False),
}


def manifest() -> dict[str, Any]:
    """The manifest in version 0.4 of its format, the first that lets the host bring Python along."""
    return {
        "manifest_version": "0.4",
        "name": PROJECT["name"],
        "display_name": TITLE,
        "version": VERSION,
        "description": SUMMARY,
        "author": {"name": PROJECT["authors"][0]["name"]},
        "server": {
            "type": "uv",
            "entry_point": ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", ENTRY_POINT],
                "env": {variable(setting): f"${{user_config.{setting}}}" for setting in ASKED},
            },
        },
        "tools": [
            {"name": tool["name"], "description": tool["description"]}
            for tool in offered_definitions(offered())
        ],
        "prompts_generated": True,
        "keywords": PROJECT["keywords"],
        "license": PROJECT["license"],
        "compatibility": {
            # The audit trail is locked as POSIX does it.
            "platforms": ["darwin", "linux"],
            "runtimes": {"python": PROJECT["requires-python"]},
        },
        "user_config": {setting: _question(setting, *asked) for setting, asked in ASKED.items()},
    }


def _question(setting: str, title: str, usual: str | bool) -> dict[str, Any]:
    return {
        "type": form(setting),
        "title": title,
        "description": meaning(setting),
        "required": False,
        "default": usual,
        **({"sensitive": True} if is_secret(setting) else {}),
    }
