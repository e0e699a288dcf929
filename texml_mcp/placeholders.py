"""What examples show in place of a key and an account, and what a host leaves when it fills nothing in."""

from __future__ import annotations

KEY_PLACEHOLDER, ACCOUNT_PLACEHOLDER = "KEY...", "your organization id"
PLACEHOLDERS = frozenset({KEY_PLACEHOLDER, ACCOUNT_PLACEHOLDER})


def is_placeholder(value: str) -> bool:
    """Whether a value is that of an example, or a reference (`${NAME}`) that no host has resolved."""
    return value in PLACEHOLDERS or value.startswith("${")
