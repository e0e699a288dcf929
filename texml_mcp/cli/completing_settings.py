"""What a shell offers behind `serve` and `doctor`: argparse reads their flags, so Typer must be told them."""

from __future__ import annotations

import os
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal, get_origin

import typer

from texml_mcp.cli import completing
from texml_mcp.settings import flag_of

_VALUES: dict[str, Callable[[str], Any]] = {
    "policy": completing.policies,
    "tools": completing.tools,
    "exclude_tools": completing.tools,
    "toolsets": completing.toolsets,
}


def asked_for(command: str) -> bool:
    """Whether this process only tells a shell how a line that has this command may go on."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    return command in line.split()


def described(*flags: str) -> Callable[..., None]:
    """A command with every setting as an option, and these flags. It is there to be looked at."""
    from texml_mcp.cli.options import FLAGS

    options = [_option(flag[2:].replace("-", "_"), bool, flag, None) for flag in flags]
    for name, field in FLAGS.items():
        flag = flag_of(name)
        kind: Any = field.annotation
        if kind is bool:
            options.append(_option(name, bool, f"{flag}/--no-{flag[2:]}", field.description))
        else:
            shown = kind if get_origin(kind) is Literal else str
            options.append(_option(name, shown, flag, field.description, _VALUES.get(name)))

    def command(**_: Any) -> None: ...

    command.__annotations__ = {each.name: each.annotation for each in options}
    command.__signature__ = Signature(options)  # pyright: ignore[reportFunctionMemberAccess]
    return command


def _option(
    name: str, kind: Any, flag: str, meaning: str | None, values: Callable[[str], Any] | None = None
) -> Parameter:
    annotation = Annotated[kind | None, typer.Option(flag, help=meaning, autocompletion=values)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
