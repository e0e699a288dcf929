"""`texml-mcp` as it is, with every module that is run noted in a file. Imports nothing that could be counted.

python watched.py FILE [ARGUMENT ...]
"""

import os
import runpy
import sys

FILE = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def note(event: str, given: tuple[object, ...]) -> None:
    """A module is a code object named `<module>` from a file, run once."""
    if event == "exec" and getattr(given[0], "co_name", "") == "<module>":
        name = given[0].co_filename  # type: ignore[attr-defined]
        if not name.startswith("<"):
            os.write(FILE, name.encode() + b"\n")


if __name__ == "__main__":
    sys.argv = ["texml-mcp", *sys.argv[2:]]
    sys.path.pop(0)  # this folder, which the server would not have
    sys.addaudithook(note)
    runpy.run_module("texml_mcp", run_name="__main__", alter_sys=True)
