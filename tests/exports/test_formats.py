"""Every format is what its provider accepts, says every tool and argument, and loses only what is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lengths import few
from texml_mcp.catalog import TOOLSETS
from texml_mcp.exports.formats import FORMATS, RefusedExportError, export
from texml_mcp.exports.rules.common import nodes
from texml_mcp.exports.wording import MOST_WORDS, described, facts
from texml_mcp.tools.files import canonical, definitions, directory
from texml_mcp.tools.offer import offered

TOOLS = list(definitions().values())
each_format = pytest.mark.parametrize("name", FORMATS)


def functions(name: str, made: Any) -> dict[str, dict[str, Any]]:
    """Every tool of an export by name, with its schema of arguments."""
    if name == "mcp":
        return {tool["name"]: tool["inputSchema"] for tool in made["tools"]}
    if name == "anthropic":
        return {tool["name"]: tool["input_schema"] for tool in made}
    if name == "gemini":
        return {each["name"]: each["parameters"] for each in made[0]["functionDeclarations"]}
    if name == "bfcl":
        return {each["name"]: each["parameters"] for each in made}
    return {each["function"]["name"]: each["function"]["parameters"] for each in made}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "texml_mcp", "schemas", "export", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@each_format
@pytest.mark.parametrize("toolset", ["", "core", *TOOLSETS])
def test_the_provider_has_nothing_to_object(name: str, toolset: str) -> None:
    tools = [definitions()[each] for each in offered(toolsets=[toolset] if toolset else [])]
    assert FORMATS[name].problems(FORMATS[name].convert(tools)) == []


@each_format
def test_every_tool_and_every_argument_is_there(name: str) -> None:
    made = functions(name, export(name, TOOLS))
    assert list(made) == list(definitions())
    for tool, schema in made.items():
        assert list(schema["properties"]) == list(definitions()[tool]["inputSchema"]["properties"])


@each_format
def test_what_is_required_stays_required(name: str) -> None:
    for tool, schema in functions(name, export(name, TOOLS)).items():
        needed = definitions()[tool]["inputSchema"].get("required", [])
        if name == "openai-strict":
            assert schema["required"] == list(schema["properties"])
            taken = [key for key, each in schema["properties"].items() if isinstance(each["type"], str)]
            assert sorted(taken) == sorted(needed)
        else:
            assert schema.get("required", []) == needed


@each_format
def test_no_description_outgrows_its_budget(name: str) -> None:
    for tool, schema in functions(name, export(name, TOOLS)).items():
        for where, node in list(nodes(schema, tool))[1:]:
            assert len(node.get("description", "").split()) <= MOST_WORDS, where


@pytest.mark.parametrize(
    "keywords",
    [
        ("default", "minLength", "maxLength"),  # openai-strict
        ("default",),  # gemini
        ("minimum", "maximum", "minLength", "maxLength", "pattern"),  # bfcl
    ],
)
def test_every_fact_that_has_no_keyword_fits_into_words(keywords: tuple[str, ...]) -> None:
    unsaid = {
        key
        for tool in TOOLS
        for key, schema in tool["inputSchema"]["properties"].items()
        for keyword, fact in facts(schema).items()
        if keyword in keywords and fact not in described(schema, keywords)
    }
    assert unsaid == set()


def test_a_strict_default_and_a_length_are_said_in_words() -> None:
    strict = functions("openai-strict", export("openai-strict", TOOLS))
    assert strict["create_call"]["properties"]["Timeout"] == {
        "type": ["integer", "null"],
        "description": "Ring time; default 30",
        "minimum": 5,
        "maximum": 120,
    }
    part = strict["list_applications"]["properties"]["filter_friendly_name"]
    assert part["description"] == "Part of the name; 3 characters or more"
    method = strict["create_call"]["properties"]["UrlMethod"]
    assert method["enum"] == ["GET", "POST", None]


def test_bfcl_has_its_own_names_for_types_and_keeps_defaults() -> None:
    made = functions("bfcl", export("bfcl", TOOLS))["create_call"]
    assert made["type"] == "dict"
    properties = made["properties"]
    assert properties["MachineDetectionBeepSpectralMinPurity"]["type"] == "float"
    assert properties["Timeout"]["default"] == 30
    assert properties["Timeout"]["description"] == "Ring time; 5 to 120"
    assert properties["CustomHeaders"]["items"]["type"] == "dict"


def test_an_export_that_a_provider_refuses_is_not_made() -> None:
    tool = {**TOOLS[0], "name": "list calls"}
    for name in FORMATS:
        with pytest.raises(RefusedExportError, match="does not match"):
            export(name, [tool])


@pytest.mark.parametrize("name", few([*FORMATS, "openapi"], 1))
def test_the_command_prints_the_committed_bytes(name: str) -> None:
    file = directory() / ("openapi.json" if name == "openapi" else f"exports/{name}.json")
    done = run("--format", name, PYTHONHASHSEED=str(len(name)))
    assert done.returncode == 0, done.stderr
    assert done.stdout == file.read_text()


def test_the_command_narrows_to_toolsets_and_writes_a_file(tmp_path: Path) -> None:
    out = tmp_path / "tools.json"
    done = run("--format", "gemini", "--toolset", "queues", "--toolset", "recordings", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    names = offered(toolsets=["queues", "recordings"])
    assert out.read_text() == canonical(export("gemini", [definitions()[name] for name in names]))


def test_a_narrowed_openapi_document_links_to_nothing_it_leaves_out() -> None:
    document = json.loads(run("--format", "openapi", "--toolset", "calls").stdout)
    operations = [each for path in document["paths"].values() for each in path.values()]
    ids = {each["operationId"] for each in operations}
    assert ids == set(offered(toolsets=["calls"])) - {"validate_texml"}
    links = [
        link
        for each in operations
        for answer in each["responses"].values()
        for link in answer.get("links", ())
    ]
    assert links
    assert set(links) <= ids


@pytest.mark.parametrize(
    ("arguments", "said"),
    few(
        [
            (["--format", "gemini", "--toolset", "queue"], "Did you mean queues?"),
            (["--format", "llama"], "llama"),
            (["--format", "mcp", "--scramble", "names"], "give --map FILE"),
            (["--format", "mcp", "--map", "map.json"], "Nothing is disguised"),
            (["--format", "mcp", "--distractors", "99", "--map", "map.json"], "99 cannot be had"),
            (["--format", "openapi", "--distractors", "1", "--map", "map.json"], "openapi"),
            (["--format", "mcp", "--distractors", "1", "--map", "a.json", "--out", "./a.json"], "one file"),
            (
                ["--format", "mcp", "--out", "/nowhere/tools.json"],
                "texml-mcp: /nowhere/tools.json cannot be written: No such file or directory\n",
            ),
        ],
        2,
    ),
)
def test_options_that_cannot_be_met_are_refused_in_words(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
