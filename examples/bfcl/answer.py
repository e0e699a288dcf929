"""Entries for the Berkeley Function-Calling Leaderboard, answered by a scripted model where yours will stand.

Needs texml-mcp[eval].

python examples/bfcl/answer.py DIR && python examples/bfcl/judge.py DIR
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

TASKS = ("call-and-report-length", "delete-the-trial")
FILE = "BFCL_v4_multiple"


def model(messages: list[dict[str, str]], functions: list[dict[str, Any]]) -> dict[str, str]:
    """One call: the function, and its arguments as JSON. This one knows how to place a call, and no more."""
    said = "\n".join(each["content"] for each in messages if each["role"] == "user")
    numbers = ["+" + re.sub(r"\D", "", each) for each in re.findall(r"\+[\d ]+\d", said)]
    application = re.search(r'(\d{10,}) "', said)
    if application is None or len(numbers) < 2:
        return {"list_applications": "{}"}
    placed = {"To": numbers[0], "From": numbers[1], "ApplicationSid": application[1]}
    return {"create_call": json.dumps(placed)}


def main(out: Path) -> int:
    chosen = [word for task in TASKS for word in ("--task", task)]
    command = (sys.executable, "-m", "texml_mcp", "eval", "export", "--format", "bfcl", "--out", str(out))
    if refused := subprocess.run([*command, *chosen], check=False).returncode:
        return refused  # it has said why
    results: list[str] = []
    for line in (out / f"{FILE}.json").read_text("utf-8").splitlines():
        entry = json.loads(line)
        (messages,) = entry["question"]
        call = model(messages, entry["function"])
        results.append(json.dumps({"id": entry["id"], "result": [call]}))
        print(f"{entry['texml_bench']}: {call}")
    (out / f"{FILE}_result.json").write_text("\n".join(results) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "bfcl-out")))
