"""Regular expressions in a policy: bounded, so that a value a caller chose cannot stall the server."""

from __future__ import annotations

import re

MOST_PATTERN = 200
MOST_REPETITIONS = 3
LONGEST_VALUE = 4096

_QUANTIFIER = re.compile(r"[*+?]|\{\d*,?\d*\}")
_GROUP_START = re.compile(r"\?(?:P<\w+>|[:=!]|<[=!]|[aimsu-]+:?)")
_REFUSED_GROUP = re.compile(r"\(\?(?:P=|\(|#|[a-zA-Z]*x)")


class UncheckableError(Exception):
    """A value that a pattern cannot be held against; whoever asked must not take it for a no."""


def check_pattern(pattern: str) -> str:
    """The pattern itself. Raises `ValueError` when it is wrong, or could take exponential time.

    Refused: back-references, conditionals, and a repeated group that itself holds a repetition or an
    alternative, which is where a backtracking matcher explodes.
    """
    if len(pattern) > MOST_PATTERN:
        raise ValueError(f"a pattern has at most {MOST_PATTERN} characters")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    _refuse_explosive(pattern)
    return pattern


def _refuse_explosive(pattern: str) -> None:
    open_groups: list[bool] = []  # for each open group: whether its content can match in several ways
    ambiguous = False
    open_ended = 0
    at = 0
    while at < len(pattern):
        char = pattern[at]
        step = 1
        closed_ambiguous = False
        if char == "\\":
            if pattern[at + 1] in "123456789":
                raise ValueError("back-references are not supported")
            step = 2
        elif char == "[":
            step = _class_length(pattern, at)
        elif char == "(":
            if _REFUSED_GROUP.match(pattern, at):
                raise ValueError("back-references, conditionals, comments and verbose mode are not supported")
            open_groups.append(ambiguous)
            ambiguous = False
            start = _GROUP_START.match(pattern, at + 1)
            at += 1 + (len(start.group()) if start else 0)
            continue
        elif char == ")":
            closed_ambiguous = ambiguous
            ambiguous = (open_groups.pop() if open_groups else False) or ambiguous
        elif char == "|":
            ambiguous = True
        at += step
        quantifier = None if char == "|" else _QUANTIFIER.match(pattern, at)
        if quantifier is None:
            continue
        text = quantifier.group()
        if text != "?" and closed_ambiguous:
            raise ValueError("a repeated group must not hold a repetition or an alternative")
        open_ended += text in ("*", "+") or "," in text
        ambiguous = True
        at += len(text)
        if pattern[at : at + 1] in ("?", "+"):  # lazy and possessive forms
            at += 1
    if open_ended > MOST_REPETITIONS:
        raise ValueError(f"a pattern has at most {MOST_REPETITIONS} repetitions of open length")


def _class_length(pattern: str, at: int) -> int:
    """Characters of a `[...]` class; a `]` in first place belongs to it."""
    end = at + 1
    if pattern[end : end + 1] == "^":
        end += 1
    if pattern[end : end + 1] == "]":
        end += 1
    while end < len(pattern) and pattern[end] != "]":
        end += 2 if pattern[end] == "\\" else 1
    return end - at + 1


def matches(pattern: str, value: str, *, narrow: bool) -> bool:
    """Whether a value matches: all of it and in its own case when `narrow`, else anywhere, in any case.

    Raises `UncheckableError` for a value longer than 4096 characters.
    """
    if len(value) > LONGEST_VALUE:
        raise UncheckableError(f"a value of {len(value)} characters is too long to be matched")
    if narrow:
        return re.fullmatch(pattern, value) is not None
    return re.search(pattern, value, re.IGNORECASE) is not None
