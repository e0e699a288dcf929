"""One task under promptfoo, by its next call and as a whole; a scripted model stands where yours will.

python examples/promptfoo/run.py [DIR]

Offline. Needs texml-mcp[eval], and promptfoo on the PATH (`npm install -g promptfoo`) or named by PROMPTFOO.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TASK = "call-and-report-length"


def model(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The next message. It knows one task by heart, and takes from answers what it cannot know."""
    turn = sum(each["role"] == "assistant" for each in messages)
    answers = [each["content"] for each in messages if each["role"] == "tool"]
    if turn == 0:
        return say("Which number shall I call, from which, and with which application?")
    if turn == 1:
        return call("list_applications")
    placed = {
        "To": "+13125550142",
        "From": "+13125550100",
        "ApplicationSid": found(r'(\d+) "Clinic reminders"', answers[0]),
    }
    if turn == 2:
        return call("create_call", **placed)
    if turn == 3:
        return say(f"{answers[1][:300]} Shall I?")
    if turn == 4:
        return call("create_call", **placed, confirm_token=found(r"confirm_token: (\S+)", answers[1]))
    if turn < 7:
        sid = found(r"(v3:[\w-]+)", answers[2])
        return call("get_call", call_sid=sid, wait_for="ended", max_wait_seconds=25)
    return say(f"They were connected for {found(r'duration: (.+)', answers[-1])} seconds.")


def say(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    made = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call", "type": "function", "function": made}],
    }


def found(pattern: str, text: str) -> str:
    hit = re.search(pattern, text)
    if hit is None:
        raise ValueError(f"{pattern} is not in: {text}")
    return hit[1]


class Endpoint(BaseHTTPRequestHandler):
    """Chat completions."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = model(asked["messages"])
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        answer = {
            "id": "chat",
            "object": "chat.completion",
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: promptfoo says what there is to say."""


@contextmanager
def endpoint() -> Generator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()


def main(out: Path) -> int:
    promptfoo = shutil.which(os.environ.get("PROMPTFOO", "promptfoo"))
    if promptfoo is None:
        print("promptfoo is not on the PATH: npm install -g promptfoo, or say where in PROMPTFOO")
        return 1
    command = (sys.executable, "-m", "texml_mcp", "eval", "export", "--format", "promptfoo")
    if refused := subprocess.run([*command, "--out", str(out), "--task", TASK], check=False).returncode:
        return refused  # it has said why
    import yaml  # what the command has needed too

    with endpoint() as url:
        tasks = yaml.safe_load((out / "tasks.yaml").read_text("utf-8"))
        tasks["providers"][0]["config"] = {"agent": "openai:by-heart", "url": url}
        (out / "tasks.yaml").write_text(yaml.safe_dump(tasks, sort_keys=False), "utf-8")
        environment = {
            **os.environ,
            "OPENAI_BASE_URL": url,
            "OPENAI_API_KEY": "nobody-checks-it",
            "PROMPTFOO_PYTHON": sys.executable,
            "PROMPTFOO_CONFIG_DIR": str(out / ".promptfoo"),
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "PROMPTFOO_DISABLE_UPDATE": "1",
        }
        for name in ("promptfooconfig.yaml", "tasks.yaml"):
            result = out / f"{name}.result.json"
            quiet = ("--no-cache", "--no-write", "--no-progress-bar", "--no-table")
            played = subprocess.run(
                [promptfoo, "eval", "-c", name, *quiet, "-o", str(result.resolve())],
                cwd=out,
                env=environment,
                check=False,
                capture_output=True,
                text=True,
            )
            if not result.exists():
                print(played.stdout + played.stderr)
                return 1
            for each in json.loads(result.read_text("utf-8"))["results"]["results"]:
                passed = "passed" if each["success"] else "failed"
                reason = (each.get("gradingResult") or {}).get("reason") or each.get("error")
                print(f"{name}: {each['testCase']['description']}: {passed}, {each['score']}: {reason}")
    return played.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "promptfoo-out")))
