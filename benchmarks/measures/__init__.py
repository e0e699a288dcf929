"""The measurements by name, one module each."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.field import Field
from benchmarks.measures.call import call
from benchmarks.measures.definitions import definitions
from benchmarks.measures.gate import gate
from benchmarks.measures.results import results
from benchmarks.measures.sandbox import sandbox
from benchmarks.measures.scale import scale
from benchmarks.measures.soak import soak
from benchmarks.measures.startup import startup
from benchmarks.measures.throughput import throughput
from benchmarks.stats import Row

Measure = Callable[[Field], list[Row]]

MEASURES: dict[str, Measure] = {
    "definitions": definitions,
    "results": results,
    "startup": startup,
    "call": call,
    "throughput": throughput,
    "gate": gate,
    "scale": scale,
}
# What takes minutes runs only when it is named.
ON_REQUEST: dict[str, Measure] = {"sandbox": sandbox, "soak": soak}
ALIASES = {"http": "throughput"}
