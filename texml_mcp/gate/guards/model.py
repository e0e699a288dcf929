"""What the guards read and what they answer: configuration, request, usage, findings.

Importing this module costs no more than pydantic does: the policy file is read with it at every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Level = Literal["deny", "confirm", "warn"]
Mode = Literal["off", "warn", "enforce"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a guard has to say about a call.

    `guard` is the guard's name, `code` the stable reason, `message` a sentence for a person, `subject`
    what it is about: the number, host or address as it was given.
    """

    guard: str
    level: Level
    code: str
    message: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A call that is about to leave: `wire` are its arguments under the documented names.

    `live` is false on the sandbox. `now` must carry a time zone: quiet hours are local to the callee.
    """

    endpoint: str
    wire: Mapping[str, Any]
    account: str
    live: bool
    now: datetime


class Usage(Protocol):
    """What this server has sent so far; the series are named in `budgets`."""

    def count(self, series: str, since: float) -> int:
        """How many entries since that point in time (seconds since 1970)."""
        ...

    def total(self, series: str, since: float) -> float:
        """The sum of the entries since that point in time."""
        ...


class Target(Protocol):
    """One destination or address that a TeXML document names."""

    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def verb(self) -> str: ...
    @property
    def attribute(self) -> str: ...
    @property
    def templated(self) -> bool: ...


def _region(value: str) -> str:
    code = value.strip().upper()
    if len(code) != 2 or not code.isascii() or not code.isalpha():
        raise ValueError("a country is its two-letter ISO 3166 code, such as US")
    return code


def _clock(value: str) -> str:
    time.fromisoformat(value)  # raises ValueError: a policy with a bad hour must not load
    return value


Region = Annotated[str, AfterValidator(_region)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), AfterValidator(_clock)]


class Strict(BaseModel):
    """A misspelt option must stop the policy from loading: ignored, it would be a guard that is not there."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QuietHours(Strict):
    """When people are not to be rung, by their own clock; `start` after `end` spans midnight."""

    start: Clock = "21:00"
    end: Clock = "08:00"
    level: Literal["confirm", "deny"] = "confirm"


class GuardConfig(Strict):
    """Every option of the guards. Emergency and crisis numbers have none: they are always refused."""

    numbers: Mode = "enforce"
    hosts: Mode = "enforce"
    callers: Mode = "enforce"
    hours: Mode = "warn"
    budgets: Mode = "enforce"
    limits: Mode = "enforce"

    allowed_countries: tuple[Region, ...] = Field((), description="Only these countries; empty: all.")
    denied_countries: tuple[Region, ...] = Field((), description="Never these countries.")
    sip_hosts: tuple[str, ...] = Field(
        (), description="SIP hosts that may be dialled, `*.` for subdomains; empty: any, each confirmed."
    )
    url_hosts: tuple[str, ...] = Field((), description="Hosts of URLs, `*.` for subdomains; empty: any.")
    own_caller_ids: tuple[str, ...] = Field((), description="Caller ids a call may show; empty: any.")
    quiet_hours: QuietHours = QuietHours()

    calls_per_minute: int | None = Field(None, ge=0)
    calls_per_hour: int | None = Field(None, ge=0)
    per_destination_per_hour: int | None = Field(None, ge=0)
    concurrent_calls: int | None = Field(None, ge=0)
    spend_per_day: float | None = Field(None, ge=0, allow_inf_nan=False)
    rate_per_minute_cost: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Cost of one minute, in the unit of `spend_per_day`."
    )
    loop_window_seconds: int = Field(60, ge=1)
    loop_count: int | None = Field(10, ge=1, description="Identical writes in the window; none: no limit.")
    default_time_limit_seconds: int | None = Field(None, ge=30, le=14_400)
