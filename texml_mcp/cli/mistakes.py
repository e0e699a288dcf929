"""What is wrong with a command line, what was probably meant, and the whole line to run instead."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from typer import TyperException

from texml_mcp.wording import complaint, near_name

_LISTED = 12


def told(error: TyperException, words: Sequence[str]) -> str:
    """The lines about an error of Typer's; `words` is the command line behind the program's name."""
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return f"texml-mcp: {error.format_message()}"
    path, command = context.command_path, context.command
    behind = list(words[len(path.split()) - 1 :])
    option: str | None = getattr(error, "option_name", None)
    param: Any = getattr(error, "param", None)
    if hasattr(error, "possibilities") and option is not None:
        return unknown_option(path, option, _options(command), words)
    if hasattr(command, "commands") and behind:
        return unknown_word("command", behind[0], command.commands, words, lists=f"{path} --help")
    message = str(getattr(error, "message", ""))
    if param is not None and (given := re.search(r"'(.*)' is not one of (.*)", message)):
        first = f"{_name(param)} cannot be {_shown(given[1])}."
        return _completed(first, given[1], re.findall("'(.*?)'", given[2]), words, f"{path} --help")
    return "\n".join([f"texml-mcp: {_sentence(error)}", f"  {usage(context)}"])


def usage(context: Any) -> str:
    """How the command is written, options and arguments in their order."""
    params = context.command.params
    shown = [f"{context.command_path}"]
    if len(_options(context.command)) > 1:
        shown.append("[OPTIONS]")
    for each in params:
        if each.param_type_name == "argument":
            name = _name(each) if each.required else f"[{_name(each)}]"
            shown.append(f"{name}..." if each.nargs == -1 else name)
    return f"{' '.join(shown)}   (more: {context.command_path} --help)"


def unknown_option(program: str, option: str, known: Iterable[str], words: Sequence[str]) -> str:
    """The lines about an option that the command does not have."""
    return _completed(
        f"{_without_ours(program)} has no option {_shown(option)}.", option, known, words, f"{program} --help"
    )


def unknown_word(what: str, given: str, known: Iterable[str], words: Sequence[str], *, lists: str) -> str:
    """The lines about a name that is not among those which are known; the command `lists` shows those."""
    return _completed(f"there is no {what} {_shown(given)}.", given, known, words, lists)


def corrected(given: str, meant: str, words: Sequence[str]) -> str | None:
    """The command line with one word mended; None where that word is not in it."""
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if word == given or (equals and given in (name, value)):
            mended = meant if word == given else f"{meant}={value}" if name == given else f"{name}={meant}"
            return shlex.join(["texml-mcp", *words[:at], mended, *words[at + 1 :]])
    return None


def typed() -> list[str]:
    """The words of this process's command line."""
    return sys.argv[1:]


def _completed(first: str, given: str, known: Iterable[str], words: Sequence[str], otherwise: str) -> str:
    """A first line, which goes on with what was meant or could be, and the line to run."""
    names = list(known)
    near = near_name(given, names)
    if near:
        first += f" Did you mean {near}?"
    elif names and len(names) <= _LISTED:
        first += f" There are {', '.join(names)}."
    ready = corrected(given, near, words) if near else None
    return f"texml-mcp: {first}\n  {ready or otherwise}"


def _sentence(error: TyperException) -> str:
    param: Any = getattr(error, "param", None)
    message = " ".join(error.format_message().split())
    if param is not None and message.startswith("Missing"):
        return f"{_name(param)} is missing."
    if param is not None and message.startswith("Invalid value"):
        return f"{complaint(_name(param), str(getattr(error, 'message', message)))}."
    return f"{message[:1].lower()}{message[1:]}".rstrip(".") + "."


def _name(param: Any) -> str:
    """`--port`, or the name of an argument as help shows it."""
    if param.param_type_name == "option":
        return max(param.opts, key=len)
    return str(param.metavar or param.name).upper()


def _options(command: Any) -> list[str]:
    named = [each for each in command.params if each.param_type_name == "option"]
    return [*(name for each in named for name in (*each.opts, *each.secondary_opts)), "--help"]


def _without_ours(program: str) -> str:
    """`serve`, for `texml-mcp serve`: the program names itself in front of each message."""
    return program.partition(" ")[2] or program


def _shown(word: str) -> str:
    """A word of the command line, without what could act on a terminal."""
    return repr(word[:80])
