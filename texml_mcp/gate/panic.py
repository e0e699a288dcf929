"""The panic switch: a mark that stops every write until it is cleared.

It is a file in the state directory, so that anybody with a shell can set it, whatever else is broken.
Servers that share a store have a second mark there, which stops all of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from texml_mcp.gate.state import State
from texml_mcp.gate.store.model import StoreError
from texml_mcp.text import clean

_MARK = "PANIC"
_SPACE, _KEY = "panic", "all"


def engage(directory: Path, by: str) -> Path:
    """Stop all writes of all servers on this state directory. Raises `OSError`."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = directory / _MARK
    mark.write_text(f"{_now(by)}\n", encoding="utf-8")
    return mark


def engage_everywhere(state: State, by: str) -> None:
    """Stop all writes of all servers on a shared store. Raises `StoreError`."""
    state.store.put(_SPACE, _KEY, {"set": _now(by)})


def clear(directory: Path) -> bool:
    """Take the mark out of the state directory; whether it was there. Raises `OSError`."""
    try:
        (directory / _MARK).unlink()
    except FileNotFoundError:
        return False
    return True


def clear_everywhere(state: State) -> bool:
    """Take the mark out of the shared store; whether it was there. Raises `StoreError`."""
    return state.store.delete(_SPACE, _KEY)


def engaged(state: State) -> str | None:
    """Why writes are stopped, or None. Raises `StoreError` for a mark that cannot be looked for: it may be
    there, so nothing is sent either.
    """
    if state.directory is not None:
        try:
            told = (state.directory / _MARK).read_text(encoding="utf-8", errors="replace")
            return f"set {clean(told, 100)}"
        except FileNotFoundError:
            """No mark here; there may be one in the store."""
        except OSError as error:
            raise StoreError(f"the panic mark cannot be read ({type(error).__name__})") from error
    if state.shared and (item := state.store.get(_SPACE, _KEY)) is not None:
        return f"set {clean(str(item.value.get('set')), 100)}, for every server on the store"
    return None


def _now(by: str) -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} by {clean(by, 60)}"
