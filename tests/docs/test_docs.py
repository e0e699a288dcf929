"""What the documentation names exists: links, headings, files, tests, commands and their flags."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from texml_mcp.cli.app import app
from texml_mcp.cli.options import table

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / ".github").rglob("*.md"),
    ROOT / "examples/README.md",
    *(ROOT / "docs").rglob("*.md"),
]
COMMANDS: click.Command = typer.main.get_command(app)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text())


# --- links


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes addresses of them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), target


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)\s#:]+)(?:#[^)]*)?\)", prose(page))
        waiting += [page.parent / link for link in links if (page.parent / link).is_file()]
    assert [page for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in reached] == []


# --- files and tests


@each_page
def test_every_named_file_exists(page: Path) -> None:
    for named in re.findall(
        r"`((?:tests|texml_mcp|examples|benchmarks|docs|packaging)/[\w./]+)", prose(page)
    ):
        assert (ROOT / named).exists(), named


@each_page
def test_every_named_test_exists(page: Path) -> None:
    for file, name in re.findall(r"`(tests/[\w./]+\.py)::(\w+)`", prose(page)):
        tree = ast.parse((ROOT / file).read_text())
        defined = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in defined, f"{file}::{name}"


def test_the_threat_model_names_a_test_for_everything_that_holds() -> None:
    rows = [line for line in (ROOT / "docs/threat-model.md").read_text().splitlines() if line[:2] == "| "]
    claims = [row for row in rows if row.count("|") == 4 and "| what holds |" not in row]
    assert len(claims) > 25
    assert [row for row in claims if "`tests/" not in row.rsplit("|", 2)[1]] == []


# --- commands


def command_lines(page: Path) -> Iterator[str]:
    """Everything to be typed: lines of shell blocks, and code that begins with a command of ours."""
    text = page.read_text()
    for language, block in _FENCE.findall(text):
        if language in ("sh", "shell", "bash", "console"):
            yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`((?:texml-mcp|make) [^`\n]+)`", _FENCE.sub("", text))


def words_of(line: str) -> list[str]:
    """The words of one command, up to a comment or the next command."""
    lexer = shlex.shlex(line.strip(), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if word[0] in "|&;<>":
            break
        words.append(word)
    return words


def known_flags() -> dict[str, set[str]]:
    """The flags of commands that read their own: the settings."""
    settings = {flag for flag, *_ in table() if flag}
    settings |= {f"--no-{flag[2:]}" for flag in settings}
    return {"serve": settings, "doctor": settings | {"--json", "--strict"}}


def check_ours(words: list[str]) -> None:
    """The command of `texml-mcp WORDS` and each of its flags exist. Raises `AssertionError`."""
    command = COMMANDS
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        found = command.commands.get(rest[0])  # pyright: ignore[reportAttributeAccessIssue]
        assert found is not None, f"texml-mcp has no command {rest[0]}: {words}"
        command, rest = found, rest[1:]
    flags = {name for param in command.params for name in (*param.opts, *param.secondary_opts)} | {"--help"}
    flags |= known_flags().get(command.name or "", set())
    for word in rest[: rest.index("--")] if "--" in rest else rest:
        name = word.partition("=")[0]
        if name.startswith("--"):
            assert name in flags, f"{name} is no flag: {words}"


@each_page
def test_every_command_of_ours_exists_with_its_flags(page: Path) -> None:
    for line in command_lines(page):
        words = words_of(line)
        while words and re.fullmatch(r"\w+=.*", words[0]):
            del words[0]  # a variable of the environment
        if words and words[0] == "texml-mcp":
            check_ours(words[1:])


@each_page
def test_every_make_target_and_script_exists(page: Path) -> None:
    rules = re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {target for rule in rules for target in rule.split()}
    for line in command_lines(page):
        words = words_of(line)
        if words[:1] == ["make"]:
            named = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
            assert set(named) <= targets, line
        for word in words:
            if re.fullmatch(r"(?:examples|packaging|benchmarks|tests)/\S+\.py", word):
                assert (ROOT / word).is_file(), line


def test_a_command_or_flag_that_does_not_exist_is_found() -> None:
    check_ours(["policy", "check", "policy.toml"])
    check_ours(["serve", "--http", "--sandbox"])
    for wrong in (["polcy", "check"], ["call", "list_calls", "--sandbx"], ["serve", "--htp"]):
        with pytest.raises(AssertionError):
            check_ours(wrong)
