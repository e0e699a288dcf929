"""The program itself: its Python, its dependencies, and the tool definitions that came with it."""

from __future__ import annotations

import json
import platform
import re
import sys
from importlib import metadata

from texml_mcp import __version__
from texml_mcp.doctor.model import Findings, named, ok, problem, warning

OLDEST_PYTHON = (3, 11)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?([^;]*)(;.*)?")
_BOUND = re.compile(r"(>=|<)\s*([0-9]+(?:\.[0-9]+)*)")


def check_installation() -> Findings:
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield problem("python", f"{platform.python_version()} is too old: install Python 3.11 or later.")
    else:
        yield ok("python", f"{platform.python_version()}, texml-mcp {__version__}.")
    unfit = _unfit()
    if unfit:
        yield problem("dependencies", f"{named(unfit)} do not fit. Install texml-mcp again.")
    else:
        yield ok("dependencies", f"Every one fits; mcp {metadata.version('mcp')}.")
    yield from _schemas()


def _unfit() -> list[str]:
    """Required distributions that are missing or outside of their bounds."""
    try:
        required = metadata.requires("texml-mcp") or []
    except metadata.PackageNotFoundError:
        return ["texml-mcp itself"]
    found: list[str] = []
    for line in required:
        match = _REQUIREMENT.match(line)
        if match is None or match[3]:
            continue  # an extra, or for another system
        try:
            version = metadata.version(match[1])
        except metadata.PackageNotFoundError:
            found.append(f"{match[1]} (missing)")
            continue
        if not all(_fits(version, relation, bound) for relation, bound in _BOUND.findall(match[2])):
            found.append(f"{match[1]} {version} (must be {match[2].strip()})")
    return found


def _fits(version: str, relation: str, bound: str) -> bool:
    """Whether a version is inside one bound, by its leading numbers."""
    digits = re.match(r"\d+(?:\.\d+)*", version)
    have = [int(part) for part in digits[0].split(".")] if digits else []
    want = [int(part) for part in bound.split(".")]
    width = max(len(have), len(want))
    have += [0] * (width - len(have))
    want += [0] * (width - len(want))
    return have >= want if relation == ">=" else have < want


def _schemas() -> Findings:
    from texml_mcp.tools.files import definitions
    from texml_mcp.tools.schema import tool_definitions

    cure = "Install texml-mcp again, or run texml-mcp schemas write in a checkout."
    try:
        committed = list(definitions().values())
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield problem("tool definitions", f"They cannot be read ({type(error).__name__}). {cure}")
        return
    built = [json.loads(json.dumps(each)) for each in tool_definitions()]
    if committed != built:
        yield warning("tool definitions", f"The files are not what this version makes. {cure}")
    else:
        yield ok("tool definitions", f"{len(built)} tools, as this version makes them.")
