"""What a container engine would do with the image, done with namespaces: this needs Linux and root.

The file system of the host stands in for the base image. Over it lie the image's own directories, each from
a scratch folder, so that nothing of the host changes. A service runs as the Dockerfile and the compose file
say: as their user, without capabilities, with a read-only root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.packaging.dockerfile import Stage, context, read

# Arguments: layer, interpreter's prefix, "ro" or "rw", then HOST:INSIDE pairs, "--", and a command.
# What the layer hides is first bound to a folder that stays in sight.
_ENTER = r"""
mount --make-rprivate /
layer=$1 python=$2 mode=$3; shift 3
hold=$(mktemp -d "$layer/hold.XXXX")
mkdir "$hold/python"; mount --bind "$python" "$hold/python"
held=() places=()
while [ "$1" != -- ]; do
  host=${1%%:*} place=$hold/${#held[@]}
  if [ -f "$host" ]; then touch "$place"; else mkdir "$place"; fi
  mount --bind "$host" "$place"
  held+=("$place") places+=("${1#*:}")
  shift
done
shift
for own in opt etc var/lib; do mount --bind "$layer/$own" "/$own"; done
for own in /root /run; do mount -t tmpfs -o mode=755 tmpfs "$own"; done
if [ ! -e "$python/bin/python" ]; then mkdir -p "$python"; mount --bind "$hold/python" "$python"; fi
for at in "${!held[@]}"; do
  if [ -f "${held[at]}" ]; then
    mkdir -p "$(dirname "${places[at]}")"; touch "${places[at]}"
  else
    mkdir -p "${places[at]}"
  fi
  mount --bind "${held[at]}" "${places[at]}"
done
mount -t tmpfs -o mode=1777 tmpfs /tmp
if [ "$mode" = ro ]; then
  for own in / /opt /etc /var/lib /root /run; do mount -o remount,bind,ro "$own"; done
fi
exec "$@"
"""


def missing() -> str:
    """Why this machine cannot do it; empty when it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("setpriv"):
        return "needs Linux, root and setpriv"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "mount namespaces are not allowed here"
    return "" if (interpreter() / "bin" / "python").exists() else "there is no Python with a bin/python"


def interpreter(version: str = "") -> Path:
    """The prefix of the Python that stands in for the base image's; of that version if there is one."""
    for each in Path(sys.base_prefix).parent.glob(f"{version}.*") if version else ():
        if (each / "bin" / "python").exists():
            return each
    return Path(sys.base_prefix)


class Image:
    """The last stage of a Dockerfile, built into a folder."""

    def __init__(self, root: Path, scratch: Path) -> None:
        build, final = read(root / "Dockerfile")
        self.final = final
        self.python = interpreter(final.base.partition(":")[2].partition("-")[0])
        self.layer = scratch / "final"
        first = scratch / "build"
        for layer in (first, self.layer):
            layer.mkdir()
            shutil.copytree("/etc", layer / "etc", symlinks=True)
            (layer / "opt").mkdir()
            (layer / "var" / "lib").mkdir(parents=True)
        workdir = build.one("WORKDIR").text
        for name in context(root):
            self._copy(root / name, first / workdir[1:] / name, "__pycache__")
        self._build(build, first, workdir)
        copied = final.one("COPY").text
        assert copied.startswith("--from=build ")
        source, target = copied.split()[1:]
        self._copy(first / source[1:], self.layer / target[1:])
        self._build(final, self.layer, "/")

    @staticmethod
    def _copy(source: Path, target: Path, *without: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns(*without))
        else:
            shutil.copy2(source, target)

    def _build(self, stage: Stage, layer: Path, workdir: str) -> None:
        for each in stage.all("RUN"):
            done = subprocess.run(
                self._inside(layer, "rw", {}, ["env", "-C", workdir, "sh", "-c", each.text]),
                env={
                    **os.environ,
                    "PATH": f"{self.python}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME": "/root",
                },
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, f"{each.text}\n{done.stdout}{done.stderr}"

    def _inside(
        self, layer: Path, mode: str, mounts: Mapping[str, Path], command: Sequence[str]
    ) -> list[str]:
        pairs = [f"{host}:{inside}" for inside, host in mounts.items()]
        enter = ["unshare", "--mount", "bash", "-euc", _ENTER, "enter", str(layer), str(self.python), mode]
        return [*enter, *pairs, "--", *command]

    def words(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        mounts: Mapping[str, Path],
        user: str | None = None,
    ) -> list[str]:
        """The command line of one container; `mounts` are host paths by their place inside."""
        uid, gid = (user or self.final.one("USER").text).split(":")
        own = {"HOME": "/var/lib/texml-mcp", **self.final.environment, **environment}
        as_user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
        nothing = ["--bounding-set=-all", "--inh-caps=-all"]
        variables = ["env", "-C", "/", "-i", *(f"{name}={value}" for name, value in own.items())]
        return self._inside(self.layer, "ro", mounts, [*as_user, *nothing, *variables, *command])

    def start(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        mounts: Mapping[str, Path],
        log: IO[bytes],
        user: str | None = None,
    ) -> subprocess.Popen[bytes]:
        """One container in the background; the process is the command itself."""
        return subprocess.Popen(
            self.words(command, environment, mounts, user), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
