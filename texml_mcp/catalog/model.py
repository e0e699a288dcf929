"""The words an endpoint is declared in: parameters, response fields, shapes, paging, endpoints.

Everything else in the package derives from these declarations: the tool and its schemas, the request
that leaves, the sandbox route, the policy default, the documentation. A declaration is data; the
only behaviour here is looking things up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal

from texml_mcp.catalog.conditions import ALWAYS, Condition
from texml_mcp.catalog.rules import Rule

JsonType = Literal["string", "integer", "number", "boolean", "array", "object"]
Place = Literal["path", "query", "body"]


class Kind(StrEnum):
    """What a parameter or field means, where its JSON type does not say."""

    SID = "sid"  # an identifier to use in other calls
    NUMBER = "number"  # an E.164 phone number or a SIP URI
    URL = "url"  # an address that Telnyx fetches, posts to, or streams to
    TEXML = "texml"  # an inline TeXML document
    SECRET = "secret"  # never shown, logged or stored
    HTTP_METHOD = "http_method"
    DATE = "date"  # YYYY-MM-DD
    DATE_FILTER = "date_filter"  # a date, or a date-time, with an optional operator before it
    WORDS = "words"  # words separated by a space, each one of `words`
    LIST = "list"  # items separated by a comma
    TIME = "time"  # a point in time: RFC 2822 or ISO 8601, by resource
    SECONDS = "seconds"  # a duration, as text or number
    MONEY = "money"  # an amount as decimal text
    URI = "uri"  # a path inside the API: of no use to a person
    MEDIA = "media"  # a link to audio, short-lived
    UNTRUSTED = "untrusted"  # words that a third party chose


class Role(StrEnum):
    """What a value does to people beyond its kind. A number in a write that has none is rung."""

    CALLER = "caller"  # shown to whoever is rung
    STREAM = "stream"  # sent live audio


class Effect(StrEnum):
    """What the endpoint does to the resource."""

    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class RiskClass(StrEnum):
    """What a call can do to people, money and data. A call may carry several."""

    READS = "reads"
    CONFIG = "config"  # changes how calls are handled from now on
    SPENDS = "spends"  # costs money
    INTERRUPTS = "interrupts"  # rings, cuts off or redirects people
    DESTROYS = "destroys"  # data or audio that cannot be brought back
    EXPOSES = "exposes"  # a conversation, credential or caller leaves the account
    LISTENS_IN = "listens_in"  # people are heard or recorded


class PageStyle(StrEnum):
    """How an endpoint's list is paged."""

    TOKEN = "token"  # PageToken and PageSize
    PAGE_TOKEN = "page_token"  # Page, PageSize and PageToken
    PAGE = "page"  # Page from 0 and PageSize
    NUMBERED = "numbered"  # page[number] from 1 and page[size], with totals in `meta`
    ENVELOPE = "envelope"  # paging fields in the answer, no parameters documented


@dataclass(frozen=True, slots=True)
class Param:
    """One documented parameter.

    `name` is the documented wire name, `doc` at most twelve words, `aliases` other documented wire
    spellings, `allowed` values accepted besides the range. A range that no document states is checked and
    not published (`unpublished_range`): a refusal tells it. An object has `fields`, or keys of the caller's
    choice that each hold one of `values`.
    """

    name: str
    type: JsonType = "string"
    doc: str = ""
    _: KW_ONLY
    required: bool = False
    enum: tuple[str, ...] = ()
    default: str | int | float | bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    format: str = ""
    unit: str = ""
    kind: Kind | None = None
    role: Role | None = None
    words: tuple[str, ...] = ()
    allowed: tuple[int, ...] = ()
    unpublished_range: bool = False
    aliases: tuple[str, ...] = ()
    items: Param | None = None
    fields: tuple[Param, ...] = ()
    values: Param | None = None

    @property
    def key(self) -> str:
        """The portable property key: what no provider's schema dialect refuses."""
        name = self.name.replace(">", "_gt").replace("<", "_lt")
        return name.replace("[", "_").replace("]", "")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an answer; `documented=False` marks one that is seen but not promised."""

    name: str
    type: JsonType = "string"
    _: KW_ONLY
    enum: tuple[str | int, ...] = ()
    nullable: bool = False
    format: str = ""
    kind: Kind | None = None
    documented: bool = True
    fields: tuple[Field, ...] = ()
    items: Field | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A resource as an answer holds it."""

    name: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class Page:
    """How a list arrives: the key that holds the items, and the fields around it."""

    style: PageStyle
    items_key: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Risk:
    """One thing a call can do, when its arguments make it so.

    `reversible` says that the API itself offers the way back.
    """

    kind: RiskClass
    why: str
    _: KW_ONLY
    when: Condition = ALWAYS
    reversible: bool = False


# Each is made once and is itself: compared part by part, every look-up under it would hash thirty parameters.
@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One endpoint of the API, and so one tool.

    `doc` is what a model reads: what it does, when not to use it, its effect on people and money.
    `body` is the documented request encoding, `envelope` the key that wraps the answer, `lagging`
    that the read may trail behind a write. `settles` names the read that tells whether a write with
    an unknown outcome happened, `refuses` body fields that the API documents to answer with 422, and
    `listed` the list in which what the path names is found, where the path itself does not lead there.
    """

    id: str
    title: str
    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    toolset: str
    doc: str
    _: KW_ONLY
    effect: Effect
    shape: Shape | None
    path_params: tuple[Param, ...] = ()
    query: tuple[Param, ...] = ()
    body_params: tuple[Param, ...] = ()
    body: Literal["form", "json"] | None = None
    success: int = 200
    envelope: str = ""
    page: Page | None = None
    rules: tuple[Rule, ...] = ()
    risks: tuple[Risk, ...] = ()
    idempotent: bool = False
    lagging: bool = False
    settles: str = ""
    errors: tuple[int, ...] = ()
    refuses: tuple[str, ...] = ()
    listed: str = ""

    @property
    def reads(self) -> bool:
        return self.effect is Effect.READ

    @property
    def starts_call(self) -> bool:
        """Whether it rings a phone: it is then guarded, counted, followed and looked for as a new call."""
        return not self.reads and any(rings(param) for param in self.body_params)

    @property
    def description(self) -> str:
        """What every tool must have, the plain ones too: clients refuse a tool without one."""
        return self.doc or f"{self.title}."

    def params(self) -> Iterator[tuple[Place, Param]]:
        """Every documented parameter with its place, in the documented order."""
        for param in self.path_params:
            yield "path", param
        for param in self.query:
            yield "query", param
        for param in self.body_params:
            yield "body", param

    def response_fields(self) -> tuple[Field, ...]:
        """Every documented field of the answer, the list of items among them."""
        if self.shape is None:
            return ()
        if self.page is None:
            return self.shape.fields
        if self.page.style is PageStyle.NUMBERED:
            return self.shape.fields
        items = Field(self.page.items_key, "array", items=Field("", "object", fields=self.shape.fields))
        return (*self.page.fields, items)

    def risks_of(self, arguments: Mapping[str, Any]) -> tuple[Risk, ...]:
        """What this call can do with these arguments (under wire names)."""
        return tuple(risk for risk in self.risks if risk.when.holds(arguments))


@cache
def by_name(known: Endpoint) -> Mapping[str, tuple[Place, Param]]:
    """The parameters of an endpoint by their wire names: a call has a few of the dozens there may be."""
    return {param.name: (place, param) for place, param in known.params()}


def rings(param: Param) -> bool:
    """Whether a parameter of a write names who is rung: every number that is not said to be the caller's."""
    return param.kind is Kind.NUMBER and param.role is not Role.CALLER
