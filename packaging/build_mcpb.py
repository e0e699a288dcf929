"""Build `texml-mcp-VERSION.mcpb`: `python packaging/build_mcpb.py [DIRECTORY]`, by default `dist/`.

The bundle holds the code of the wheel and a list of what it needs, in the versions that the tests ran with.
The host's `uv` installs those for its own machine when the server first starts. The same sources give the
same bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from facts import PROJECT, ROOT, VERSION
from manifest import ENTRY_POINT, manifest

_CODE = "texml_mcp/"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say


def build(directory: Path) -> Path:
    """The bundle, written into the directory."""
    files = {f"src/{name}": data for name, data in _code().items()}
    files[ENTRY_POINT] = (ROOT / "packaging" / "bundle" / "main.py").read_bytes()
    files["pyproject.toml"] = _requirements().encode()
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    files["manifest.json"] = (json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n").encode()
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{PROJECT['name']}-{VERSION}.mcpb"
    with zipfile.ZipFile(path, "w") as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            bundle.writestr(entry, files[name], zipfile.ZIP_DEFLATED, 9)
    return path


def _code() -> dict[str, bytes]:
    """The package as its wheel holds it: with every data file, and nothing else that lies about."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, str(ROOT)],
            check=True,
            stdout=sys.stderr,
        )
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as opened:
            return {name: opened.read(name) for name in opened.namelist() if name.startswith(_CODE)}


def _requirements() -> str:
    """A project for `uv` that is no package itself, only a list of what to install."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    tested = [line for line in lines if line and not line.startswith("#")]
    # JSON's lists of text are TOML's.
    return "\n".join(
        (
            "[project]",
            f"name = {json.dumps(PROJECT['name'] + '-bundle')}",
            f"version = {json.dumps(VERSION)}",
            f"requires-python = {json.dumps(PROJECT['requires-python'])}",
            f"dependencies = {json.dumps(PROJECT['dependencies'], indent=2)}",
            "",
            "[tool.uv]",
            "package = false",
            f"constraint-dependencies = {json.dumps(tested, indent=2)}",
            "",
        )
    )


def main(arguments: list[str]) -> int:
    """Build it and say where it is and how large."""
    path = build(Path(arguments[0]) if arguments else ROOT / "dist")
    sys.stdout.write(f"{path}: {path.stat().st_size / 1024:.0f} KB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
