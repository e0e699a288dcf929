"""From spawning a server to the answer of `tools/list`."""

from __future__ import annotations

import time

from benchmarks.contenders.registry import BARE, OURS, Contender
from benchmarks.field import Field, scratch
from benchmarks.stats import Row, against, in_turns, judged
from benchmarks.wire.stdio import serving

MIB = 1024


def startup(field: Field) -> list[Row]:
    """Spawn to the answer of `tools/list` over stdio, in turns, and the most memory held by then."""
    peaks: dict[str, int] = {}

    def start(contender: Contender) -> float:
        with scratch() as state, serving(contender.launch(state=state)) as pipe:
            pipe.hello()
            pipe.request("tools/list", {})
            taken = time.perf_counter() - pipe.started
            peaks[contender.name] = pipe.peak_kib()
            return taken

    tasks = {each.name: lambda each=each: start(each) for each in field.contenders}
    taken = in_turns(field.rounds(15, 4), tasks)
    rows = against(BARE, taken, tail=1.0, tail_name="worst ms")
    for row in rows:
        row["peak MiB"] = round(peaks[row["what"]] / MIB, 1)
    ours = rows[0]
    rows[0] = judged(ours, f"of {BARE}", 1.05)
    beside = {"what": "memory beyond bare", "peak MiB": round((peaks[OURS] - peaks[BARE]) / MIB, 1)}
    return [*rows, judged(beside, "peak MiB", 15), *field.absent]
