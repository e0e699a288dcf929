"""What the figures were measured on: enough to compare, nothing that names the machine."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path


def machine() -> dict[str, str | int]:
    """Processor, cores, memory, system, Python and the SDK. A part that cannot be read is left out."""
    told: dict[str, str | int] = {
        "cpu": _cpu(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "mcp": version("mcp"),
    }
    if (gib := _memory_gib()) is not None:
        told["memory GiB"] = gib
    return told


def sentence(told: dict[str, str | int]) -> str:
    """The machine in one line."""
    memory = f", {told['memory GiB']} GiB" if "memory GiB" in told else ""
    return (
        f"{told['cpu']}, {told['cores']} cores{memory}, {told['system']}, "
        f"Python {told['python']}, mcp {told['mcp']}"
    )


def load() -> float | None:
    """Processes that want to run, over the last minute: how busy the machine is with other work."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _cpu() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or "unknown processor"


def _memory_gib() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError, AttributeError):
        return None
