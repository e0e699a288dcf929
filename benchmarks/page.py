"""`docs/benchmarks.md` and its plots, from the figures of one run: no figure is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders.registry import OURS
from benchmarks.machine import sentence
from benchmarks.plot import bars, lines
from benchmarks.stats import Row

DOCS = Path(__file__).resolve().parents[1] / "docs"
FIGURES = "benchmarks/figures.json"

_HEAD = """# Benchmarks

`make bench PEERS=folder PAGE=1` makes this page; the same figures are in
[figures.json](benchmarks/figures.json). Measured on: {machine}.

Every server speaks to the same local upstream, in a process of its own, and makes the same request.
Servers take turns round by round, and another goes first each round. A ratio is the median of ratios
pair by pair, so a slow spell of the machine counts for both. Absolute times are of this machine;
compare the ratios.

| name | what it is |
|---|---|
| texml-mcp | this server with every guard on, its state in files |
| bare mcp server | the SDK's low-level server with the same tool list, which forwards the answer as it is |
| MCPServer | the SDK's `MCPServer` with a typed function a tool, which forwards the answer |
| FastMCP | built from `openapi.json` of this project |
| @twilio-alpha/mcp | Twilio's server from npm, its document pointed at the local upstream |
| telnyx-mcp | Telnyx's server from npm: one tool that runs code which the model writes |

The last three are installed only when asked for. A call of ours is checked, judged, noted, shaped and
recorded; the others forward. What is not among the rows is named with the reason.
"""

_SAYS: dict[str, str] = {
    "definitions": "Tokens are bytes/4 of what reaches a model: name, description and input schema.",
    "results": "Tokens are bytes/4 of the text channel; `structured` is our other channel.",
    "startup": "From spawning the process to the answer of `tools/list` over stdio.",
    "call": "One call at a time. Of a gated write the second step, which sends; the others send unasked.",
    "throughput": "`get_call` by many clients at once over HTTP.",
    "gate": "Inside the process, for a call with inline TeXML and three targets.",
    "scale": "Processor time, the best of several rounds at each size.",
}


def write(figures: Mapping[str, Any], docs: Path = DOCS) -> None:
    """Write page, plots and figures, beside what was measured there before on the same machine."""
    figures = merged(_before(docs), figures)
    for name, text in {**rendered(figures), FIGURES: to_json(figures)}.items():
        file = docs / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


def merged(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Mapping[str, Any]:
    """The measures of both, the newer where both have it; of another machine nothing is kept."""
    if before is None or before["machine"] != now["machine"]:
        return now
    measures = {**before["measures"], **now["measures"]}
    ordered = {name: measures[name] for name in sorted(measures, key=_place)}
    return {"machine": now["machine"], "measures": ordered}


def _before(docs: Path) -> Mapping[str, Any] | None:
    file = docs / FIGURES
    return json.loads(file.read_text()) if file.exists() else None


def _place(name: str) -> int:
    order = list(_SAYS)
    return order.index(name) if name in order else len(order)


def to_json(figures: Mapping[str, Any]) -> str:
    return json.dumps(figures, indent=1, ensure_ascii=False) + "\n"


def rendered(figures: Mapping[str, Any]) -> dict[str, str]:
    """The page and its plots, by path below `docs/`."""
    files: dict[str, str] = {}
    parts = [_HEAD.format(machine=sentence(figures["machine"]))]
    for name, measured in figures["measures"].items():
        parts.append(f"## {name}\n\n{_SAYS.get(name, measured['about'])}{_busy(figures, measured)}\n")
        for title, svg in _plots(name, measured["rows"]):
            path = f"benchmarks/{title}.svg"
            files[path] = svg
            parts.append(f"![{title.replace('-', ' ')}]({path})\n")
        parts.append(markdown(measured["rows"]))
        absent = [row for row in measured["rows"] if "why not" in row]
        if absent:
            parts.append(
                "\n".join(f"- {row.get('what') or row['answer']}: {row['why not']}." for row in absent) + "\n"
            )
    files["benchmarks.md"] = "\n".join(parts)
    return files


def _busy(figures: Mapping[str, Any], measured: Mapping[str, Any]) -> str:
    """A warning where other work wanted the processor too."""
    load, cores = measured.get("load"), figures["machine"]["cores"]
    if load is None or load < cores / 2:
        return ""
    return f" The machine was busy with other work: a load of {load} on {cores} cores as it began."


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table; those that only say why there is none are left out."""
    shown = [row for row in rows if "why not" not in row]
    columns = list(
        dict.fromkeys(key for row in shown for key, value in row.items() if not isinstance(value, list))
    )
    lines_ = [_line(columns), _line(["---"] * len(columns))]
    lines_ += [_line([_cell(row.get(column, "")) for column in columns]) for row in shown]
    return "\n".join(lines_) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plots(name: str, rows: Sequence[Row]) -> list[tuple[str, str]]:
    if name == "definitions":
        return [("definitions", bars("Tokens of the tool list", _by(rows, "tokens"), "", ours=OURS))]
    if name == "results":
        total = next(row for row in rows if row["answer"] == "all ten")
        values = {
            key: value for key, value in total.items() if isinstance(value, int) and key != "structured"
        }
        return [("results", bars("Tokens of ten typical answers", values, "", ours=OURS))]
    if name == "startup":
        started = bars("Start to tools/list, ms at the median", _by(rows, "p50 ms"), "ms", ours=OURS)
        held = {key: value for key, value in _by(rows, "peak MiB").items() if "beyond" not in key}
        return [("startup", started), ("memory", bars("Peak memory by then, MiB", held, "MiB", ours=OURS))]
    if name == "call":
        kinds = dict.fromkeys(row["call"] for row in rows if "p50 ms" in row)
        return [
            (
                f"call-{kind.lower().replace(', ', '-').replace(' ', '-')}",
                bars(
                    f"{kind.capitalize().replace('http', 'HTTP')}: ms at the median",
                    _by([row for row in rows if row["call"] == kind], "p50 ms"),
                    "ms",
                    ours=OURS,
                ),
            )
            for kind in kinds
        ]
    if name == "throughput":
        served = dict.fromkeys(row["what"] for row in rows if "calls/s" in row)
        series = {
            each: [
                (row["clients"], row["calls/s"]) for row in rows if row["what"] == each and "calls/s" in row
            ]
            for each in served
        }
        return [("throughput", lines("Reads a second", series, "clients at once", "calls/s"))]
    if name == "scale":
        grown = {f"{row['what']}": [tuple(point) for point in row["points"]] for row in rows}
        return [("scale", lines("Cost against size", grown, "size", "µs"))]
    return []


def _by(rows: Sequence[Row], column: str) -> dict[str, float]:
    return {row["what"]: row[column] for row in rows if column in row}
