"""How a server process is started."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Launch:
    """A command and what its environment holds beyond this process's own."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def whole_environment(self) -> dict[str, str]:
        """Ours, without what would point a server elsewhere or have it compile itself at every start."""
        ours = ("TEXML_MCP_", "TELNYX_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | dict(self.environment)


def status_kib(pid: int, name: str) -> int:
    """A figure of a process from the kernel (`VmHWM`: the largest it has been); 0 where there is none."""
    try:
        with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
            return next((int(line.split()[1]) for line in status if line.startswith(name)), 0)
    except OSError:
        return 0
