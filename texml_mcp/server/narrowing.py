"""Headers with which a client takes less than it may have: they never add anything.

    Texml-Toolsets: calls,conferences      only these toolsets
    Texml-Tools: list_calls,get_call       only these tools
    Texml-Exclude-Tools: delete_recording  never these
    Texml-Read-Only: true                  only what changes nothing
    Texml-Account: ACCOUNT_SID             only this account, and it stands where a call names none

A name that does not exist is an error: whoever misspells a limit must not go without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from texml_mcp.text import clean, shown
from texml_mcp.tools.offer import ALL_TOOLS, UnknownNameError, offered

if TYPE_CHECKING:
    from starlette.datastructures import Headers

TOOLSETS, TOOLS, EXCLUDE = "texml-toolsets", "texml-tools", "texml-exclude-tools"
READ_ONLY, ACCOUNT = "texml-read-only", "texml-account"
HEADERS = (TOOLSETS, TOOLS, EXCLUDE, READ_ONLY, ACCOUNT)
_LONGEST = 2000


class NarrowingError(ValueError):
    """A header that cannot be followed; the text names it."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The headers of one request as they came, in the order of `HEADERS`; None where one is absent."""

    values: tuple[str | None, ...] = (None,) * len(HEADERS)

    @property
    def account(self) -> str | None:
        """The one account this request is for."""
        given = self.values[HEADERS.index(ACCOUNT)]
        return None if given is None else given.strip()

    def tools(self) -> frozenset[str] | None:
        """The tools that are left; None when all are. Raises `NarrowingError`."""
        toolsets, tools, exclude, read_only, _ = self.values
        if toolsets is None and tools is None and exclude is None and read_only is None:
            return None
        flag = (read_only or "false").strip().lower()
        if flag not in ("true", "false"):
            raise NarrowingError(f"Header {READ_ONLY} must be true or false, not {shown(read_only)}.")
        for name, given in ((TOOLSETS, toolsets), (TOOLS, tools)):
            if given is not None and not _names(given):
                # Read as "no limit", an empty list would widen what it was meant to narrow.
                raise NarrowingError(f"Header {name} names nothing.")
        try:
            return frozenset(
                offered(
                    toolsets=_names(toolsets),
                    tools=_names(tools),
                    exclude=_names(exclude),
                    read_only=flag == "true",
                    usual=ALL_TOOLS,
                )
            )
        except UnknownNameError as error:
            raise NarrowingError(f"In a narrowing header: {clean(str(error), 300)}") from None


NOTHING = Narrowing()


def narrowing(headers: Headers) -> Narrowing:
    """The narrowing that a request's headers ask for. Raises `NarrowingError` for one that cannot be read."""
    asked = [name for name, _ in headers.raw if name.startswith(b"texml-")]
    if not asked:
        return NOTHING
    for name in map(bytes.decode, asked):
        if name not in HEADERS or asked.count(name.encode()) > 1:
            # Whoever misspells a limit, or sets it twice, must not go with less of it than was meant.
            raise NarrowingError(
                f"Header {shown(name)} is not known or is there twice; known: {', '.join(HEADERS)}."
            )
    values = tuple(headers.get(name) for name in HEADERS)
    for name, value in zip(HEADERS, values, strict=True):
        if value is not None and len(value) > _LONGEST:
            raise NarrowingError(f"Header {name} is longer than {_LONGEST} characters.")
    return Narrowing(values)


def _names(given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]
