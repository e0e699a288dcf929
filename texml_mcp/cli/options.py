"""Flags and table rows of the settings, derived from their one declaration."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from texml_mcp.settings import Settings, flag_of

# Only the environment may hold these: a key on a command line shows in every process list.
_NO_FLAG = frozenset({"api_key", "seal_keys"})
FLAGS = {name: field for name, field in Settings.model_fields.items() if name not in _NO_FLAG}


class FlagParser(argparse.ArgumentParser):
    """A parser of flags that tells a mistake as the other commands do, and not below all of its flags."""

    def error(self, message: str) -> NoReturn:
        """End with status 2 and what was probably meant."""
        from texml_mcp.cli import mistakes
        from texml_mcp.cli.output import USAGE

        words = mistakes.typed()
        what, _, given = message.partition(": ")
        if what == "unrecognized arguments" and not given.startswith("-"):
            text = f"texml-mcp: {self.prog.split()[-1]} takes options alone, and no {given.split()[0]!r}.\n"
            text += f"  {self.prog} --help"
        elif what == "unrecognized arguments":
            text = mistakes.unknown_option(
                self.prog, given.split()[0].partition("=")[0], self._option_string_actions, words
            )
        else:
            text = f"texml-mcp: {message.removeprefix('argument ')}.\n  {self.prog} --help"
        sys.stderr.write(f"{text}\n")
        sys.exit(USAGE)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """One flag a setting; a flag that is not given leaves the environment's word."""
    for name, field in FLAGS.items():
        flag = flag_of(name)
        if field.annotation is bool:
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=field.description
            )
        else:
            parser.add_argument(flag, default=None, metavar="VALUE", help=field.description)


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"TEXML_MCP_{name.upper()}"


def table() -> list[tuple[str, str, str, str]]:
    """(flag, variable, default, meaning) of every setting, for the README."""
    rows: list[tuple[str, str, str, str]] = []
    for name, field in Settings.model_fields.items():
        flag = "" if name in _NO_FLAG else flag_of(name)
        default: Any = field.default
        shown = (
            ""
            if default in (None, ())
            else str(default).lower()
            if isinstance(default, bool)
            else str(default)
        )
        rows.append((flag, environment_name(name), shown, field.description or ""))
    return rows
