"""What went wrong, without the groups and tracebacks around it."""

from __future__ import annotations

from typing import cast


def first_of(error: BaseException) -> BaseException:
    """The error itself, or the first in a group of them."""
    while isinstance(error, BaseExceptionGroup):
        inner = cast("tuple[BaseException, ...]", error.exceptions)  # pyright: ignore[reportUnknownMemberType]
        error = inner[0]
    return error


def named(error: BaseException) -> str:
    """One line for the record: the kind of error, and what it says."""
    first = first_of(error)
    return f"{type(first).__name__}: {' '.join(str(first).split())[:500]}"
