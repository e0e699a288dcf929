"""Lists: newest first, filtered by every documented spelling, paged in both documented styles."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from texml_mcp.sandbox.errors import bad_request, wrong_type
from texml_mcp.sandbox.world import Record, World

DEFAULT_PAGE = 20
LARGEST_PAGE = 1000
OPERATORS = (">=", "<=", ">", "<")

Show = Callable[[Record], dict[str, Any]]


def newest_first(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: (-record["created"], -record.get("number", 0)))


def _count(query: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = query.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise wrong_type(name, "integer")
    return int(text)


def page(
    world: World,
    path: str,
    query: Mapping[str, str],
    items_key: str,
    records: list[Record],
    show: Show,
    *,
    previous: bool = False,
    lower_case: bool = False,
) -> dict[str, Any]:
    """One page in the TeXML style. `path` is the request's own, without the query."""
    size = min(_count(query, "PageSize", DEFAULT_PAGE, 1), LARGEST_PAGE)
    number = _count(query, "Page", 0, 0)
    if token := query.get("PageToken"):
        number = _opened(token)
    first = number * size
    shown = records[first : first + size]
    kept = [(name, value) for name, value in query.items() if name not in ("Page", "PageSize", "PageToken")]

    def link(at: int, *, with_token: bool = False) -> str:
        names = ("page", "pagesize") if lower_case else ("Page", "PageSize")
        pairs = [*kept, (names[0], str(at)), (names[1], str(size))]
        if with_token:
            pairs.append(("PageToken", _sealed(at)))
        return f"{path}?{urlencode(pairs)}"

    answer: dict[str, Any] = {
        items_key: [show(record) for record in shown],
        "page": number,
        "page_size": size,
        "start": first if shown else 0,
        "end": first + len(shown) - 1 if shown else 0,
        "first_page_uri": link(0),
        "uri": link(number),
    }
    if first + size < len(records):
        answer["next_page_uri"] = link(number + 1, with_token=True)
    if previous and number:
        answer["previous_page_uri"] = link(number - 1, with_token=True)
    return answer


def _sealed(number: int) -> str:
    return base64.urlsafe_b64encode(f"page{number}".encode()).decode().rstrip("=")


def _opened(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        text = ""
    if not text.startswith("page") or not text[4:].isdigit() or len(text) > 13:
        raise bad_request("The PageToken is not one that this list handed out.")
    return int(text[4:])


def numbered(query: Mapping[str, str], records: list[Record], show: Show) -> dict[str, Any]:
    """One page in the applications style: `page[number]` from 1, totals in `meta`."""
    size = _count(query, "page[size]", 250, 1)
    if size > 250:
        raise wrong_type("page[size]", "integer between 1 and 250")
    number = _count(query, "page[number]", 1, 1)
    first = (number - 1) * size
    return {
        "data": [show(record) for record in records[first : first + size]],
        "meta": {
            "page_number": number,
            "page_size": size,
            "total_pages": max(1, -(-len(records) // size)),
            "total_results": len(records),
        },
    }


def dates(query: Mapping[str, str], name: str) -> list[tuple[str, str]]:
    """`(operator, date)` of every spelling of a date filter.

    `Name`, `Name>`, `Name<`, `Name_gt`, `Name_lt`, and an operator at the front of the value.
    """
    found: list[tuple[str, str]] = []
    for suffix, operator in (("", "="), (">", ">"), ("<", "<"), ("_gt", ">"), ("_lt", "<")):
        value = query.get(name + suffix)
        if value:
            sign = next((each for each in OPERATORS if value.startswith(each)), "")
            # `StartTime>=2023-05-22` arrives as the key `StartTime>` and a value that has lost its `=`.
            found.append((sign or operator, value[len(sign) :].strip()))
    return found


def matches_date(moment: float | None, conditions: list[tuple[str, str]], name: str) -> bool:
    """Whether a time satisfies every condition; a date without time means that whole day, in UTC."""
    for operator, text in conditions:
        try:
            wanted = datetime.fromisoformat(text)
        except ValueError:
            raise wrong_type(name, "date") from None
        if moment is None:
            return False
        whole_day = len(text) <= 10
        if wanted.tzinfo is None:
            wanted = wanted.replace(tzinfo=UTC)
        ours = datetime.fromtimestamp(moment, UTC)
        left, right = (ours.date(), wanted.date()) if whole_day else (ours, wanted)
        holds = {
            "=": left == right,
            ">": left > right,  # pyright: ignore[reportOperatorIssue]  # both dates, or both times
            "<": left < right,  # pyright: ignore[reportOperatorIssue]
            ">=": left >= right,  # pyright: ignore[reportOperatorIssue]
            "<=": left <= right,  # pyright: ignore[reportOperatorIssue]
        }
        if not holds[operator]:
            return False
    return True
