"""What is noted of a write: enough to recognise it in the API later, too little to learn a value from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, cast

from texml_mcp.catalog import Endpoint, Kind
from texml_mcp.catalog.model import Param, by_name
from texml_mcp.gate.store.digests import Digester, mask_numbers, masked_number
from texml_mcp.text import MASK, clean, mask_url

Outcome = Literal["open", "ok", "rejected", "not_sent", "unknown", "happened", "did_not"]
"""`open` has left, or was about to; `unknown` has no answer; the last two are what `reconcile` found."""

HAPPENED = frozenset({"ok", "happened"})
NOT_HAPPENED = frozenset({"rejected", "not_sent", "did_not"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One write. `shown` is for people, `targets` for `reconcile`.

    `targets` hold, under wire names: identifiers, choices, numbers and flags as they are; everything
    else, such as `To`, as a keyed digest. Secrets are in neither. `at` is seconds since 1970.
    """

    tool: str
    digest: str
    account: str = ""
    principal: str = ""
    shown: Mapping[str, str] = field(default_factory=dict[str, str])
    targets: Mapping[str, Any] = field(default_factory=dict[str, Any])
    id: str = ""
    at: float = 0.0
    outcome: Outcome = "open"
    status: int | None = None
    sid: str = ""
    settled_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        # Not asdict: it copies every value one by one, for a tenth of what a gated write costs.
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = tuple(each.name for each in fields(Entry))


def entry_from(value: Mapping[str, Any]) -> Entry:
    """The entry that was kept. Raises `TypeError` when it was not one."""
    return Entry(**value)


def entry_for(
    known: Endpoint,
    wire: Mapping[str, Any],
    digester: Digester,
    *,
    account: str = "",
    principal: str = "",
    digest: str = "",
) -> Entry:
    """The entry of a call that is about to leave; `wire` are its arguments under wire names.

    `digest` is that of its arguments, where it is known already.
    """
    shown: dict[str, str] = {}
    targets: dict[str, Any] = {}
    params = by_name(known)
    for name, value in wire.items():
        if value is None or name not in params:
            continue
        place, param = params[name]
        shown[param.name] = _shown(param, value)
        if param.kind is Kind.SECRET:
            continue
        # A participant is named by a label that a person chose, so even an identifier may hold a number.
        sid = place == "path" and mask_numbers(str(value)) == str(value)
        plain = sid or param.enum or isinstance(value, int | float)
        targets[param.name] = value if plain else digest_of(digester, param.kind, value)
    return Entry(
        tool=known.id,
        digest=digest or digester.of_arguments(known.id, wire),
        account=clean(account or str(wire.get("account_sid") or ""), 100),
        principal=mask_numbers(clean(principal, 100)),
        shown=shown,
        targets=targets,
    )


def digest_of(digester: Digester, kind: Kind | None, value: Any) -> str:
    """The digest under which a value stands in `targets`."""
    if kind is Kind.NUMBER and isinstance(value, str):
        return digester.of_number(value)
    return digester.of("value", value)


def _shown(param: Param, value: Any) -> str:
    if param.kind is Kind.SECRET:
        return MASK
    if param.kind is Kind.NUMBER and isinstance(value, str):
        return masked_number(clean(value, 80))
    if param.kind in (Kind.TEXML, Kind.UNTRUSTED) or isinstance(value, dict | list):
        # Words to be spoken and headers may hold anything: how much there is must do.
        size = len(cast("str | list[Any] | dict[str, Any]", value))
        return f"{size} {'characters' if isinstance(value, str) else 'entries'}"
    return mask_numbers(mask_url(clean(str(value), 100)))
