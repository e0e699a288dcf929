"""A task, as its file says it: `texml-bench/1`. The published JSON Schema is made from these classes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from texml_mcp.evals import wheres

SCHEMA = "texml-bench/1"

Family = Literal[
    "place_and_report",
    "look_alikes",
    "one_participant",
    "hold_mute_coach",
    "recordings",
    "queues",
    "texml",
    "applications",
    "pagination",
    "eventual_consistency",
    "lost_answers",
    "missing_information",
    "must_refuse",
    "user_refuses",
    "injection",
    "secrets",
    "long_shift",
]
Difficulty = Literal["easy", "medium", "hard"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _is_pattern(text: str) -> str:
    if why := wheres.pattern_problem(text):
        raise ValueError(why)
    return text


def _is_where(where: dict[str, Any]) -> dict[str, Any]:
    for why in wheres.problems(where):
        raise ValueError(why)
    return where


Pattern = Annotated[
    str,
    AfterValidator(_is_pattern),
    Field(min_length=1, description="Regular expression, searched in any case."),
]
Where = Annotated[dict[str, Any], AfterValidator(_is_where)]
Seconds = Annotated[float, Field(ge=0, lt=10**6)]


class Part(BaseModel):
    """Anything in a task: no unknown keys, no text for a number, and not to be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, strict=True)


class Clock(Part):
    """How time passes in the task's world, in seconds of its own."""

    step_seconds: Seconds = Field(default=2.0, description="Passes before each tool call.")
    turn_seconds: Seconds = Field(default=10.0, description="Passes while the user reads and answers.")
    settle_seconds: Seconds = Field(
        default=0.0,
        description="The world goes on until so long after the start before it is graded, so that a quick "
        "agent and a slow one are compared at the same moment.",
    )


class Later(Part):
    """What happens by itself while the agent works."""

    at_seconds: Seconds = Field(description="After the start.")
    story: list[dict[str, Any]] = Field(min_length=1, description="Steps as in the story of a fixture.")


class WorldSpec(Part):
    """The telephone network that the task begins with."""

    fixture: str = Field(
        default="clinic",
        description="`clinic`, the sandbox's default world, `empty`, or a file of the fixtures.",
    )
    also: dict[str, Any] = Field(
        default_factory=dict, description="A fixture's content, told after it: callees, story and so on."
    )
    faults: list[dict[str, Any]] = Field(
        default_factory=list[dict[str, Any]], description="Armed at the start, as the sandbox takes them."
    )
    clock: Clock = Clock()
    later: list[Later] = Field(default_factory=list[Later])


class ServerSpec(Part):
    """How the server under test is started. A foreign server is not told."""

    confirm: Literal["token", "form", "off"] = Field(
        default="token",
        description="How approval is asked: `token` through the agent, `form` past it, at the user.",
    )
    policy: str = Field(default="evaluation", description="A shipped policy, or the text of a policy file.")
    toolsets: list[str] = Field(default_factory=list[str])
    exclude_tools: list[str] = Field(default_factory=list[str])
    read_only: bool = False
    account_sid: Literal["world", "none"] = Field(
        default="world", description="Whether calls that name no account are on the world's."
    )


class Event(Part):
    """Something that happens in a run: exactly one of `request`, `tool` and `says`.

    `where` compares arguments by name: of a request those of path, query and body under their wire names, of
    a tool call those that the agent gave. A value is compared as text; `$name` is what the task's `names`
    hold; `{matches: regex}`, `{in: [...]}`, `{not: value}` and `{absent: true}` say more.
    """

    request: str | None = Field(default=None, description="An operation that the API carried out.")
    tool: str | None = Field(default=None, description="A tool that the agent called, whatever came of it.")
    says: Pattern | None = Field(default=None, description="What the agent said to the user.")
    where: Where = Field(default_factory=dict)
    attempted: bool = Field(default=False, description="A request counts also where the API refused it.")

    @model_validator(mode="after")
    def _one_kind(self) -> Event:
        given = [each for each in (self.request, self.tool, self.says) if each is not None]
        if len(given) != 1:
            raise ValueError("exactly one of request, tool and says is needed")
        if self.says is not None and (self.where or self.attempted):
            raise ValueError("where and attempted go with a request or a tool")
        return self


class Known(Part):
    """Something that the user tells when asked for it, once; once more to a question."""

    asked: Pattern = "."
    says: str
    after: Event | None = Field(
        default=None,
        description="Told only once this has happened: the next wish, when the one before it is done.",
    )


class Approval(Part):
    """What the user thinks of a call that needs approval. Whatever no entry speaks of is approved."""

    tool: str
    where: Where = Field(default_factory=dict)
    answer: bool
    says: str = ""


class User(Part):
    """The person whom the agent works for: scripted, so that a run can be repeated."""

    opening: str = Field(min_length=1, description="What the user says first.")
    goal: str = Field(min_length=1, description="What the user really wants; the agent does not see it.")
    knows: list[Known] = Field(default_factory=list[Known], description="The first that matches is told.")
    approves: list[Approval] = Field(default_factory=list[Approval])


class Assertion(Part):
    """A JMESPath expression over the world at the end, and what it must come to."""

    that: str = Field(min_length=1)
    equals: Any = Field(description="Compared as JSON; `$name` is what the task's `names` hold.")
    why: str = Field(min_length=1)


class Mine(Part):
    """What must never happen."""

    name: Name
    never: Event
    beyond: int = Field(default=0, ge=0, description="How often it may happen all the same.")
    unless_after: Event | None = Field(
        default=None, description="It may happen once this has happened before."
    )
    why: str = Field(min_length=1)


class Milestone(Part):
    """What happens on the way: counts for partial credit, and must be on the reference path."""

    name: Name
    seen: Event


class Communicated(Part):
    """What the user must be told, in one wording or another."""

    any_of: list[Pattern] = Field(min_length=1)
    why: str = Field(min_length=1)


class Budget(Part):
    """What the task may cost; more than that is a failure."""

    calls: int = Field(default=30, ge=1, le=500, description="Tool calls.")
    turns: int = Field(default=8, ge=1, le=100, description="Messages to the user.")


class Grade(Part):
    """What decides. No model judges: the end state, the log of requests, and what was said."""

    state: Literal["reference", "unchanged"] | None = Field(
        default=None, description="The world at the end must be what the reference leaves, or what it was."
    )
    ignoring: list[str] = Field(
        default_factory=list[str],
        description="Paths that the comparison leaves out, such as /calls/*/caller_name.",
    )
    asserts: list[Assertion] = Field(default_factory=list[Assertion])
    mines: list[Mine] = Field(default_factory=list[Mine])
    milestones: list[Milestone] = Field(default_factory=list[Milestone])
    communicated: list[Communicated] = Field(default_factory=list[Communicated])
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _something_decides(self) -> Grade:
        if not (self.state or self.asserts or self.communicated):
            raise ValueError("one of state, asserts and communicated is needed: nothing else can be failed")
        return self


class Step(Part):
    """One step of a path: a tool call, something said to the user, or steps whose order does not matter.

    `keep` holds JMESPath expressions over the structured result; `$name` in a later step is what was kept.
    Where the server asks for approval, the path tells the user, and repeats the call once the user says yes.
    """

    call: str | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    keep: dict[Name, str] = Field(default_factory=dict)
    expect: str = Field(default="ok", description="The status that the path goes on from.")
    say: str | None = None
    any_order: list[list[Step]] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        given = [each for each in (self.call, self.say, self.any_order) if each is not None]
        if len(given) != 1:
            raise ValueError("exactly one of call, say and any_order is needed")
        if self.call is None and (self.with_ or self.keep or self.expect != "ok"):
            raise ValueError("with, keep and expect go with a call")
        return self


class Task(Part):
    """One task of the benchmark."""

    schema_: Literal["texml-bench/1"] = Field(alias="schema")
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    family: Family
    difficulty: Difficulty
    title: str = Field(min_length=1, max_length=120)
    world: WorldSpec = WorldSpec()
    names: dict[Name, str] = Field(
        default_factory=dict,
        description="JMESPath over the world at the start: what the grade, and the user, call `$name`. The "
        "agent does not see it.",
    )
    server: ServerSpec = ServerSpec()
    policy: str = Field(default="", description="Rules for the agent beside the house rules.")
    user: User
    refusal: bool = Field(
        default=False, description="Doing nothing may be right here: `null` is allowed to pass."
    )
    reference: list[Step] = Field(min_length=1)
    temptation: list[Step] = Field(
        default_factory=list[Step],
        description="What a hasty agent does; `greedy` plays it in place of the reference.",
    )
    grade: Grade
    traps_greedy: bool = Field(default=False, description="`greedy` must trip a mine here.")
