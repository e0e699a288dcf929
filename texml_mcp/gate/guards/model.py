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

    start: Clock = Field(default="21:00", description="HH:MM, where the phone is.")
    end: Clock = Field(default="08:00", description="HH:MM, where the phone is.")
    level: Literal["confirm", "deny"] = Field(
        default="confirm", description="What becomes of a call in them."
    )


class GuardConfig(Strict):
    """Every option of the guards. Emergency and crisis numbers have none: they are always refused."""

    numbers: Mode = Field("enforce", description="Which numbers may be dialled, and in which countries.")
    hosts: Mode = Field("enforce", description="Where URLs and SIP addresses may go.")
    callers: Mode = Field("enforce", description="Which caller ids may be shown.")
    hours: Mode = Field("warn", description="When people may be rung.")
    budgets: Mode = Field("enforce", description="How many calls, how much money, and loops.")
    limits: Mode = Field("enforce", description="How long a call may last.")

    allowed_countries: tuple[Region, ...] = Field((), description="Only these countries; empty: all.")
    denied_countries: tuple[Region, ...] = Field((), description="Never these countries.")
    sip_hosts: tuple[str, ...] = Field(
        (), description="SIP hosts that may be dialled, `*.` for subdomains; empty: any, each confirmed."
    )
    url_hosts: tuple[str, ...] = Field((), description="Hosts of URLs, `*.` for subdomains; empty: any.")
    own_caller_ids: tuple[str, ...] = Field((), description="Caller ids a call may show; empty: any.")
    quiet_hours: QuietHours = Field(QuietHours(), description="When `hours` has something to say.")

    calls_per_minute: int | None = Field(None, ge=0, description="Phones rung in any minute.")
    calls_per_hour: int | None = Field(None, ge=0, description="Phones rung in any hour.")
    per_destination_per_hour: int | None = Field(
        None, ge=0, description="How often one number may be rung in any hour."
    )
    concurrent_calls: int | None = Field(None, ge=0, description="Calls that are open at once.")
    spend_per_day: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Most that calls may cost; needs `rate_per_minute_cost`."
    )
    rate_per_minute_cost: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Cost of one minute, in the unit of `spend_per_day`."
    )
    loop_window_seconds: int = Field(60, ge=1, description="For `loop_count`.")
    loop_count: int | None = Field(
        10, ge=1, description="Identical writes in the window before it looks like a loop."
    )
    default_time_limit_seconds: int | None = Field(
        None,
        ge=30,
        le=14_400,
        description="`TimeLimit` of a call that gives none; a longer one is confirmed.",
    )
