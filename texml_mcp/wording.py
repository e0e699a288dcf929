"""What is wrong with a value, for whoever typed it: pydantic speaks to whoever wrote the model."""

from __future__ import annotations

import re

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
    """`--port must be a whole number`, from the value's name and pydantic's message; no full stop."""
    said = next(
        found.expand(words) for form, words in _WORDS if (found := re.fullmatch(form, message, re.DOTALL))
    )
    if said.startswith(":"):
        return f"{name}{said}".rstrip(".")
    return f"{name} {said}".replace("', '", ", ").replace("' or '", " or ").rstrip(".")
