"""Whether a task gives itself away: an answer told too early, an identifier, a label that says too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from texml_mcp.evals.episode import Episode
from texml_mcp.evals.model import Step, Task
from texml_mcp.evals.stage import Brief
from texml_mcp.evals.validate.texts import Found
from texml_mcp.evals.view import View
from texml_mcp.sandbox.store import TABLES

_LABELS = ("friendly_name", "name", "label", "caller_name", "tags")
# Where the identifier is a name that somebody chose.
_NAMED_BY_PEOPLE = ("queues", "secrets")
_TELLING = re.compile(
    r"(?<![a-z])(target|correct|answer|decoy|distractor|trap|honeypot)(?![a-z])", re.IGNORECASE
)
_BETWEEN = re.compile(r"[\s().-]+")
# Words of the trade stand in every server's descriptions; they are no answers there, but figures are.
_OF_THE_TASK = ("policy", "user/opening")
_FIGURE = re.compile(r"\d")
_NUMBER = re.compile(r"\+\d{8,15}")


def leaks(task: Task, start: View, names: Mapping[str, Any], brief: Brief) -> Found:
    """What the agent gets before it acts, against what it has to find out."""
    if not task.refusal:  # why something must not be done stands in the rules, for the agent to say
        yield from _told_early(task, brief)
    known = {str(each["sid"]) for table in TABLES for each in start.get(table, ())}
    for name, value in names.items():
        if str(value) not in known:
            continue
        for place, text in (("user/opening", task.user.opening), ("policy", task.policy)):
            if str(value) in text:
                yield place, f"holds the identifier ${name}: let the agent find it"
    yield from _labels(start)


def _told_early(task: Task, brief: Brief) -> Found:
    before = [
        ("policy", task.policy),
        ("user/opening", brief.opening),
        ("the system prompt", brief.system),
        *((f"the description of {tool['name']}", text) for tool in brief.tools for text in _described(tool)),
    ]
    inputs = [_BETWEEN.sub("", each) for each in _leaves([_given(task.reference), task.user.opening])]
    for at, each in enumerate(task.grade.communicated):
        for pattern in each.any_of:
            asked = re.compile(pattern, re.IGNORECASE)
            for place, text in before:
                found = asked.search(text)
                if found is not None and (place in _OF_THE_TASK or _FIGURE.search(found[0])):
                    why = f"{pattern!r} finds {found[0]!r} in {place}: saying it back would pass"
                    yield f"grade/communicated/{at}", why
            for index, known in enumerate(task.user.knows):
                found = asked.search(known.says)
                if found is None or not _FIGURE.search(found[0]):
                    continue  # words tell what is meant, and the agent may well repeat them
                if not any(_BETWEEN.sub("", found[0]) in given for given in inputs):
                    why = f"tells {found[0]!r}, which grade/communicated/{at} wants to hear from the agent"
                    yield f"user/knows/{index}", why


def _described(tool: Mapping[str, Any]) -> Iterator[str]:
    yield str(tool.get("description", ""))
    yield from _descriptions(tool.get("inputSchema"))


def _descriptions(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in cast("Mapping[str, Any]", schema).items():
            if key == "description" and isinstance(value, str):
                yield value
            else:
                yield from _descriptions(value)
    elif isinstance(schema, list):
        for each in cast("list[Any]", schema):
            yield from _descriptions(each)


def _given(steps: Sequence[Step]) -> list[Any]:
    """The arguments of a path's calls."""
    found: list[Any] = []
    for step in steps:
        if step.any_order is not None:
            found += [_given(branch) for branch in step.any_order]
        else:
            found.append(step.with_)
    return found


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in cast("Mapping[str, Any]", value).values():
            yield from _leaves(each)
    elif isinstance(value, (list, tuple)):
        for each in cast("list[Any]", value):
            yield from _leaves(each)
    elif value is not None:
        yield str(value)


def _labels(start: View) -> Found:
    for table in TABLES:
        fields = (*_LABELS, "sid") if table in _NAMED_BY_PEOPLE else _LABELS
        for field, text in _fields(start.get(table, ())):
            if field in fields and (found := _TELLING.search(text)) is not None:
                yield f"world {table}", f"{field} {text!r} says {found[0]!r}: call it what a business would"


def _fields(value: Any) -> Iterator[tuple[str, str]]:
    """Every field that holds text, or texts, however deep."""
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            if isinstance(inner, Mapping):
                yield from _fields(inner)
            else:
                yield from ((key, text) for text in _leaves(inner))
    elif isinstance(value, (list, tuple)):
        for each in cast("list[Any]", value):
            yield from _fields(each)


def unheard(episode: Episode, start: View, brief: Brief) -> Found:
    """Identifiers and numbers that the reference uses although nobody has told them to the agent."""
    sids = {
        str(each["sid"]) for view in (start, episode.end) for table in TABLES for each in view.get(table, ())
    }
    heard = brief.system + "\n"
    for at, each in enumerate(episode.log):
        if each["kind"] == "call":
            for text in _leaves({**each["arguments"], "confirm_token": None}):
                if (text in sids or _NUMBER.fullmatch(text)) and text not in heard:
                    why = f"{each['tool']} is given {text}, which neither the user nor a tool has told before"
                    yield f"reference, entry {at}", why
        if each["kind"] in ("user", "call"):
            heard += _BETWEEN.sub("", each["text"]) + "\n" + each["text"] + "\n"
