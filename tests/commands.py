"""Typer's runner, with the tree of all commands built once: that takes longer than most commands."""

from __future__ import annotations

from functools import cache

import typer.testing
from typer.testing import CliRunner, Result

__all__ = ["CliRunner", "Result"]

typer.testing._get_command = cache(typer.testing._get_command)
