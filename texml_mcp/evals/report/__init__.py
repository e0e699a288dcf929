"""A page about one or several traces: one file of HTML, without a script, that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texml_mcp.evals.report.contents import contents
from texml_mcp.evals.trace import Trace, read

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).with_name("page.html")


def write(paths: Sequence[Path], out: Path) -> None:
    """Write the page about these traces. Raises `TraceError` for a trace and `OSError` for `out`."""
    out.write_text(page([read(path) for path in paths]), "utf-8", errors="replace")


def page(traces: Sequence[Trace]) -> str:
    """The page, as HTML. Whatever an agent has said is text in it, and never markup."""
    given: dict[str, Any] = contents(traces)
    return _template().render(given)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text("utf-8"))
