"""What the hand-written servers know of the API: the addresses behind the tools that are measured."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

ROUTES = {
    "list_calls": ("GET", "Calls"),
    "get_call": ("GET", "Calls/{call_sid}"),
    "create_call": ("POST", "Calls"),
    "update_call": ("POST", "Calls/{call_sid}"),
    "list_conferences": ("GET", "Conferences"),
    "get_conference": ("GET", "Conferences/{conference_sid}"),
    "list_conference_participants": ("GET", "Conferences/{conference_sid}/Participants"),
    "list_recordings": ("GET", "Recordings.json"),
    "get_recording": ("GET", "Recordings/{recording_sid}.json"),
    "list_queues": ("GET", "Queues"),
}


def tools() -> list[dict[str, Any]]:
    """The same tool list as ours, from the same files."""
    files = Path(__file__).resolve().parents[2] / "tool_schemas"
    index = json.loads((files / "index.json").read_bytes())
    return [json.loads((files / entry["file"]).read_bytes()) for entry in index["tools"]]


class Api:
    """The request behind a tool, with nothing around it. The client is made at the first call."""

    def __init__(self) -> None:
        self._client: Any = None
        self._root = f"{os.environ.get('BENCH_URL', '')}/v2/texml/Accounts/acc"

    async def ask(self, tool: str, arguments: dict[str, Any]) -> str:
        """The body of the answer. Raises `httpx.HTTPError`."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(headers={"authorization": "Bearer sandbox-bench"})
        method, path = ROUTES[tool]
        url = f"{self._root}/{path.format(**arguments)}"
        rest = {name: value for name, value in arguments.items() if f"{{{name}}}" not in path}
        if method == "GET":
            answer = await self._client.get(url, params=rest or None)
        else:
            answer = await self._client.post(url, json=rest)
        answer.raise_for_status()
        return answer.text
