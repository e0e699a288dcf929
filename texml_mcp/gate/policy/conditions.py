"""Questions that a rule asks about a call's arguments.

A permission is read narrowly and a prohibition widely: for `allow` a text must be equal in every letter
and a pattern match all of it; for `confirm` and `deny` letter case does not matter, a pattern may match
anywhere, and one of several words is enough. Whatever is misread then errs on the safe side.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from texml_mcp.catalog import Effect, Endpoint, Kind, Param
from texml_mcp.catalog.rules import NoEffect
from texml_mcp.gate.policy.errors import nearest
from texml_mcp.gate.policy.patterns import MOST_PATTERN, UncheckableError, check_pattern, matches
from texml_mcp.text import shown

MOST_ALTERNATIVES = 200

Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Text = Annotated[StrictStr, Field(max_length=500)]
Scalar = StrictBool | Number | Text
Alternatives = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=MOST_ALTERNATIVES)]

_NUMERIC_KINDS = frozenset({Kind.SECONDS, Kind.MONEY})


class Condition(BaseModel):
    """What an argument must be. Every part that is given must hold.

    An argument that a create leaves out counts with its documented default, where it has an effect.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    one_of: Alternatives | None = Field(None, description="Equal to one of these.")
    given: StrictBool | None = Field(None, description="Present in the call, or (false) absent.")
    min: Number | None = Field(None, description="At least this.")
    max: Number | None = Field(None, description="At most this.")
    matches: (
        Annotated[
            str, Field(strict=True, min_length=1, max_length=MOST_PATTERN), AfterValidator(check_pattern)
        ]
        | None
    ) = Field(None, description="A regular expression; all of the text must match for allow, else any part.")

    def __str__(self) -> str:
        parts = [] if self.given is None else ["is given" if self.given else "is not given"]
        if self.one_of is not None:
            parts.append("is " + " or ".join(_spell(value) for value in self.one_of))
        if self.min is not None:
            parts.append(f"is at least {self.min:g}")
        if self.max is not None:
            parts.append(f"is at most {self.max:g}")
        if self.matches is not None:
            parts.append(f"matches {self.matches}")
        return " and ".join(parts)

    @property
    def about_value(self) -> bool:
        """Whether more is asked than presence."""
        return any(part is not None for part in (self.one_of, self.min, self.max, self.matches))

    @model_validator(mode="after")
    def _sensible(self) -> Condition:
        asked = self.about_value
        if not asked and self.given is None:
            raise ValueError("a condition needs one of one_of, given, min, max, matches")
        if asked and self.given is False:
            raise ValueError("an absent argument has no value: given = false stands alone")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max, so nothing can match")
        return self


def _spell(value: bool | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _spelled_out(value: Any) -> Any:
    """`Record = true` and `To = ["a", "b"]` are short for a table with `one_of`."""
    if isinstance(value, (str, int, float)):
        return {"one_of": (value,)}
    if isinstance(value, (list, tuple)):
        return {"one_of": tuple(cast("list[Any]", value))}
    return value


Spelled = Annotated[
    Condition,
    BeforeValidator(_spelled_out, json_schema_input_type=Scalar | Alternatives | Condition),
]


@cache
def params_of(endpoint: Endpoint) -> Mapping[str, Param]:
    """The documented parameters by every spelling of theirs: wire name, portable key, alias."""
    return {
        spelling: param
        for _, param in endpoint.params()
        for spelling in (*param.aliases, param.key, param.name)
    }


def check_fits(condition: Condition, param: Param) -> None:
    """Raises `ValueError` when the condition could never hold for this parameter.

    A prohibition that never matches looks like protection and is none.
    """
    if condition.matches is not None and param.type != "string":
        raise ValueError(f"{param.key} is no text: matches does not apply to it")
    bounded = condition.min is not None or condition.max is not None
    if bounded and param.type not in ("integer", "number") and param.kind not in _NUMERIC_KINDS:
        raise ValueError(f"{param.key} is no number: min and max do not apply to it")
    for value in condition.one_of or ():
        _check_value(value, param)


def _check_value(value: bool | float | str, param: Param) -> None:
    match param.type:
        case "array" | "object":
            raise ValueError(f"{param.key} holds several values: only given applies to it")
        case "boolean":
            fits, wanted = isinstance(value, bool), "true or false"
        case "integer" | "number":
            fits, wanted = not isinstance(value, (bool, str)), "a number"
        case _:
            fits, wanted = isinstance(value, str), "text"
    if not fits:
        raise ValueError(f"{param.key} is {wanted}, so it is never {shown(value)}")
    choices = param.enum or param.words
    if choices and value not in choices:
        raise ValueError(f"{param.key} is never {shown(value)}. {nearest(str(value), choices)}".strip())
    if param.kind is Kind.NUMBER and not str(value).startswith(("+", "sip:", "sips:")):
        raise ValueError(f"{param.key} is written +15551234567 or sip:user@host, not {shown(value)}")


def holds(
    condition: Condition, endpoint: Endpoint, param: Param, wire: Mapping[str, Any], *, narrow: bool
) -> bool:
    """Whether a call's argument meets the condition; `narrow` for a permission.

    Raises `UncheckableError` when the value is not of a kind that can be compared.
    """
    if condition.given is not None and (wire.get(param.name) is not None) is not condition.given:
        return False
    if not condition.about_value:
        return True
    value = _effective(endpoint, param, wire)
    if value is None:
        return False
    if condition.one_of is not None and not _is_one_of(value, condition.one_of, param, narrow=narrow):
        return False
    if condition.min is not None and _number(value) < condition.min:
        return False
    if condition.max is not None and _number(value) > condition.max:
        return False
    if condition.matches is None:
        return True
    if not isinstance(value, str):
        raise UncheckableError(f"{param.key} is no text")
    return matches(condition.matches, value, narrow=narrow)


def _effective(endpoint: Endpoint, param: Param, wire: Mapping[str, Any]) -> Any:
    """What the API will act on: on a create, an absent argument has its documented default."""
    value = wire.get(param.name)
    if value is not None or endpoint.effect is not Effect.CREATE:
        return value
    for rule in endpoint.rules:
        if isinstance(rule, NoEffect) and param.name in rule.names and not rule.unless.holds(wire):
            return None
    return param.default


def _is_one_of(value: Any, choices: tuple[Any, ...], param: Param, *, narrow: bool) -> bool:
    if not isinstance(value, (bool, int, float, str)):
        raise UncheckableError(f"{param.key} holds several values")
    if not isinstance(value, str):
        # 1 and True are equal to Python and different things to the API.
        return any(
            choice == value and isinstance(choice, bool) is isinstance(value, bool) for choice in choices
        )
    texts = [choice for choice in choices if isinstance(choice, str)]
    parts = _parts(value, param)
    if narrow:
        return all(part in texts for part in parts)
    folded = {text.casefold() for text in texts}
    return any(part.casefold() in folded for part in parts)


def _parts(value: str, param: Param) -> list[str]:
    if param.kind is Kind.WORDS:
        return value.split() or [value]
    if param.kind is Kind.LIST:
        return [part.strip() for part in value.split(",")]
    return [value]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UncheckableError("a value is no number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise UncheckableError("a value is no number") from None
    if number != number:
        raise UncheckableError("a value is no number")
    return number
