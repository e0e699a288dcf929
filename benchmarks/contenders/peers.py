"""Installing what others publish, into a folder that was named for it, and never otherwise."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.contenders.registry import Contender, FastMcp, Telnyx, Twilio
from benchmarks.stats import Row
from benchmarks.wire.stdio import serving

FASTMCP, TWILIO, TELNYX = "4.2.3", "0.7.0", "7.17.0"
_SECONDS = 300


def peers(directory: Path) -> tuple[list[Contender], list[Row]]:
    """Those that install and start, and those that do not. What was installed before is used as it is."""
    found: list[Contender] = []
    absent: list[Row] = []
    for name, install in _PEERS.items():
        try:
            contender = install(directory.resolve())
            with serving(contender.launch()) as pipe:
                pipe.hello()
                pipe.request("tools/list", {})
        except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
            absent.append({"what": name, "why not": str(error)})
        else:
            found.append(contender)
    return found, absent


def _fastmcp(directory: Path) -> Contender:
    where = directory / f"fastmcp-{FASTMCP}"
    python = where / "bin" / "python"
    make = [sys.executable, "-m", "venv", str(where)]
    install = [str(python), "-m", "pip", "install", "--quiet", f"fastmcp=={FASTMCP}"]
    _once(where, make, install)
    return FastMcp(f"FastMCP {FASTMCP}", python=str(python))


def _twilio(directory: Path) -> Contender:
    package = _npm(directory, "@twilio-alpha/mcp", TWILIO)
    return Twilio(f"@twilio-alpha/mcp {TWILIO}", lacks={"http": "it serves stdio alone"}, package=package)


def _telnyx(directory: Path) -> Contender:
    # Its jq-web is a tarball from outside the registry, used only by the code that a model writes.
    package = _npm(directory, "telnyx-mcp", TELNYX, overrides={"jq-web": "0.6.2"})
    code = "its one tool runs code that the model writes, in Deno, which its package does not bring"
    return Telnyx(
        f"telnyx-mcp {TELNYX}", lacks={"call": code, "http": code, "results": code}, package=package
    )


_PEERS: dict[str, Callable[[Path], Contender]] = {
    "FastMCP": _fastmcp,
    "@twilio-alpha/mcp": _twilio,
    "telnyx-mcp": _telnyx,
}


def _npm(directory: Path, name: str, version: str, **extra: object) -> Path:
    where = directory / f"{name.replace('/', '-').removeprefix('@')}-{version}"
    where.mkdir(parents=True, exist_ok=True)
    wanted = {"private": True, "dependencies": {name: version}, **extra}
    (where / "package.json").write_text(json.dumps(wanted))
    options = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    _once(where, ["npm", "install", "--prefix", str(where), *options])
    return where / "node_modules" / name


def _once(where: Path, *commands: list[str]) -> None:
    """Run the commands unless all have run before. Raises `RuntimeError` with what one of them said."""
    done = where / ".installed"
    if done.exists():
        return
    for command in commands:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines() or ["nothing was said"]
            raise RuntimeError(f"it does not install: {said[-1]}")
    done.touch()
