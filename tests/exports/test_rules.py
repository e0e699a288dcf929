"""The rules notice what each provider refuses: one violation each, put into an export that has none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from texml_mcp.exports.formats import FORMATS
from texml_mcp.tools.files import definitions

TOOLS = [definitions()[name] for name in ("create_call", "list_queues")]
Break = Callable[[Any], Any]


def schema_of(name: str, made: Any) -> Any:
    first = {
        "mcp": lambda: made["tools"][0]["inputSchema"],
        "anthropic": lambda: made[0]["input_schema"],
        "gemini": lambda: made[0]["functionDeclarations"][0]["parameters"],
        "bfcl": lambda: made[0]["parameters"],
    }
    return first.get(name, lambda: made[0]["function"]["parameters"])()


def wrapped(levels: int) -> Any:
    inner: Any = {"type": "string"}
    for _ in range(levels):
        inner = {
            "type": "object",
            "properties": {"a": inner},
            "required": ["a"],
            "additionalProperties": False,
        }
    return inner


def put(key: str, value: Any) -> Break:
    """Into the first tool's properties."""
    return lambda schema: schema["properties"].__setitem__(key, value)


def on(key: str, keyword: str, value: Any) -> Break:
    """A keyword on one property of the first tool."""
    return lambda schema: schema["properties"][key].__setitem__(keyword, value)


def root(keyword: str, value: Any) -> Break:
    return lambda schema: schema.__setitem__(keyword, value)


CASES: list[tuple[str, Break, str]] = [
    ("mcp", root("type", "array"), "root is no object"),
    ("mcp", on("To", "type", "text"), "is not valid"),
    ("openai", root("oneOf", [{}]), "oneOf at the root"),
    ("openai", put("list", {"type": "array"}), "without items"),
    ("openai-strict", on("To", "default", "x"), "default is not permitted"),
    ("openai-strict", on("To", "minLength", 1), "minLength is not permitted"),
    ("openai-strict", root("additionalProperties", True), "additionalProperties must be false"),
    ("openai-strict", root("required", ["To"]), "From must be required"),
    ("openai-strict", on("To", "format", "phone"), "format phone"),
    ("openai-strict", on("To", "pattern", "^(?=a)"), "looks around"),
    ("openai-strict", on("UrlMethod", "enum", ["GET"]), "null is a type and no choice"),
    ("openai-strict", on("To", "enum", [str(n) for n in range(1001)]), "enum values, at most 1000"),
    ("openai-strict", on("To", "enum", ["x" * 60 + str(n) for n in range(251)]), "an enum of"),
    ("openai-strict", on("To", "enum", ["x" * 120_000]), "characters of names"),
    ("openai-strict", put("deep", wrapped(10)), "11 levels"),
    (
        "openai-strict",
        lambda s: s["properties"].update({f"p{n}": {} for n in range(5000)}),
        "properties, at most",
    ),
    ("anthropic", put("page[number]", {"type": "integer"}), "does not match"),
    ("anthropic", put("k" * 65, {"type": "integer"}), "does not match"),
    ("anthropic", root("anyOf", [{}]), "anyOf at the root"),
    ("gemini", root("additionalProperties", False), "additionalProperties is not permitted"),
    ("gemini", on("To", "type", "string"), "string is no type"),
    ("gemini", on("To", "format", "uri"), "format uri"),
    ("gemini", on("Timeout", "enum", [1]), "only a STRING has choices"),
    ("gemini", on("To", "enum", [""]), "none is empty"),
    ("gemini", on("To", "maxLength", "many"), "maxLength is no count"),
    ("gemini", put("StartTime>", {"type": "STRING"}), "does not match"),
    ("gemini", put("empty", {"type": "OBJECT"}), "without properties"),
    ("gemini", put("list", {"type": "ARRAY"}), "without items"),
    ("gemini", root("required", ["Nobody"]), "does not exist"),
    ("bfcl", on("To", "type", "number"), "number is no type"),
    ("bfcl", root("type", "object"), "must be a dict"),
    ("bfcl", on("To", "maximum", 3), "maximum is not permitted"),
    ("bfcl", on("To", "description", ""), "no description"),
    ("bfcl", put("from", {"type": "string", "description": "x"}), "cannot be a Python argument"),
    ("bfcl", put("list", {"type": "array", "description": "x", "items": {}}), "items have no type"),
]


@pytest.mark.parametrize(("name", "damage", "said"), CASES, ids=[f"{c[0]}: {c[2]}" for c in CASES])
def test_a_violation_is_noticed(name: str, damage: Break, said: str) -> None:
    made = copy.deepcopy(FORMATS[name].convert(TOOLS))
    assert FORMATS[name].problems(made) == []
    damage(schema_of(name, made))
    assert any(said in problem for problem in FORMATS[name].problems(made)), FORMATS[name].problems(made)


@pytest.mark.parametrize("name", FORMATS)
def test_two_tools_of_one_name_are_noticed(name: str) -> None:
    made = FORMATS[name].convert([TOOLS[0], TOOLS[0]])
    assert "create_call is there 2 times" in FORMATS[name].problems(made)


@pytest.mark.parametrize(
    ("name", "longest"),
    [("mcp", 128), ("openai", 64), ("openai-strict", 64), ("anthropic", 64), ("gemini", 64)],
)
def test_a_name_may_be_so_long_and_no_longer(name: str, longest: int) -> None:
    made = FORMATS[name].convert([{**TOOLS[0], "name": "n" * longest}])
    assert FORMATS[name].problems(made) == []
    made = FORMATS[name].convert([{**TOOLS[0], "name": "n" * (longest + 1)}])
    assert any("does not match" in problem for problem in FORMATS[name].problems(made))


@pytest.mark.parametrize("name", ["openai", "openai-strict", "gemini"])
def test_128_tools_are_the_most(name: str) -> None:
    many = [{**TOOLS[1], "name": f"tool_{n}"} for n in range(129)]
    assert FORMATS[name].problems(FORMATS[name].convert(many[:128])) == []
    assert FORMATS[name].problems(FORMATS[name].convert(many)) == ["129 tools, at most 128"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_tool_without_a_description_is_noticed(name: str) -> None:
    made = FORMATS[name].convert([{**TOOLS[0], "description": " "}])
    assert FORMATS[name].problems(made) == ["create_call: no description"]


@pytest.mark.parametrize("name", ["openai", "openai-strict"])
def test_a_description_of_more_than_1024_characters_is_noticed(name: str) -> None:
    made = FORMATS[name].convert([{**TOOLS[0], "description": "x" * 1025}])
    assert any("at most 1024" in problem for problem in FORMATS[name].problems(made))
