"""Words for whoever typed a value or a name that cannot be: what is wrong with it, and what was meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_WORDS = (
    (r"Input should be a valid integer.*", "must be a whole number"),
    (r"Input should be a valid number.*", "must be a number"),
    (r"Input should be a valid boolean.*", "must be true or false"),
    (r"Input should be greater than or equal to (.+)", r"must be \1 or more"),
    (r"Input should be less than or equal to (.+)", r"must be \1 or less"),
    (r"Input should be greater than (.+)", r"must be more than \1"),
    (r"Input should be less than (.+)", r"must be less than \1"),
    (r"Input should be '(.+)'", r"must be \1"),
    (r"Input should be (.+)", r"must be \1"),
    (r"(?:Value error, )?(.*)", r": \1"),
)


def complaint(name: str, message: str) -> str:
    """`--port must be a whole number`, from the value's name and pydantic's message; no full stop.

    Pydantic speaks to whoever wrote the model.
    """
    said = next(
        found.expand(words) for form, words in _WORDS if (found := re.fullmatch(form, message, re.DOTALL))
    )
    if said.startswith(":"):
        return f"{name}{said}".rstrip(".")
    return f"{name} {said}".replace("', '", ", ").replace("' or '", " or ").rstrip(".")


def near_name(given: str, names: Iterable[str]) -> str | None:
    """The name that is nearest to what was given, whatever its case; None when none is near."""
    by_case = {name.lower(): name for name in names}
    near = get_close_matches(given[:80].lower(), by_case, n=1, cutoff=0.6)
    return by_case[near[0]] if near else None
