"""The leaderboard's own checker on exported entries and their results. Needs bfcl-eval, and nothing of ours.

python examples/bfcl/judge.py DIR
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CATEGORY = "multiple"
FILE = f"BFCL_v4_{CATEGORY}"
# Any model that calls functions natively: the checker asks it only how it spells names with dots.
MODEL = "gpt-4o-2024-11-20-FC"


def rows(path: Path) -> dict[str, Any]:
    return {row["id"]: row for row in map(json.loads, path.read_text("utf-8").splitlines())}


def main(where: Path) -> int:
    try:
        from bfcl_eval.constants.enums import Language
        from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker
    except ImportError as error:
        print(f"bfcl-eval is not installed here ({error}): pip install bfcl-eval soundfile")
        return 0
    entries = rows(where / f"{FILE}.json")
    answers = rows(where / "possible_answer" / f"{FILE}.json")
    right = 0
    results = rows(where / f"{FILE}_result.json")
    for entry, row in results.items():
        calls = [{name: json.loads(given) for name, given in call.items()} for call in row["result"]]
        functions, truth = entries[entry]["function"], answers[entry]["ground_truth"]
        told = ast_checker(functions, calls, truth, Language.PYTHON, CATEGORY, MODEL)
        right += told["valid"]
        print(f"{entries[entry]['texml_bench']}: {'right' if told['valid'] else told['error'][0]}")
    print(f"{right} of {len(results)} right")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "bfcl-out")))
