"""Taking the numbers: each from a real server over stdio, each the same on every run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import texml_mcp
from benchmarks.answers import by_address, compact, dial
from benchmarks.contenders.registry import Ours
from benchmarks.deterministic.baseline import Number, Skipped
from benchmarks.deterministic.instructions import instructions
from benchmarks.deterministic.modules import modules
from benchmarks.field import scratch
from benchmarks.measures.definitions import cost, listed
from benchmarks.measures.results import text_of, told
from benchmarks.upstream import upstream
from benchmarks.wire.stdio import serving
from texml_mcp.tools.schema import token_estimate


def numbers(*, with_instructions: bool) -> dict[str, Number | Skipped]:
    """Tokens, bytes, modules, and on request machine instructions, by name."""
    return {
        **{name: Number(value) for name, value in _paid().items()},
        **_modules(),
        **instructions(asked=with_instructions),
    }


def _paid() -> Mapping[str, int]:
    """What a session pays for in tokens and bytes."""
    ours = Ours("texml-mcp")
    with upstream(by_address()) as url:
        with scratch() as state, serving(ours.launch(url, state=state)) as pipe:
            words = pipe.hello()["result"].get("instructions", "")
            every = cost("ours", pipe.request("tools/list", {})["result"]["tools"])
            preview = pipe.call("create_call", dial(0))
        answers = told(ours, url)
    core = cost("core", listed(ours.core()))
    return {
        "tools/list, bytes": every["wire bytes"],
        "tools/list, tokens": every["tokens"],
        "tools/list of core, tokens": core["tokens"],
        "largest tool, tokens": every["most tokens"],
        "server instructions, tokens": token_estimate(words),
        "ten answers as text, tokens": sum(token_estimate(text) for text, _ in answers),
        "ten answers structured, tokens": sum(token_estimate(structured) for _, structured in answers),
        "preview as text, tokens": token_estimate(text_of(preview)),
        "preview structured, tokens": token_estimate(compact(preview["structuredContent"])),
    }


def _modules() -> Mapping[str, Number]:
    python = "Python " + ".".join(platform.python_version_tuple()[:2])
    run, ours = modules(), Path(texml_mcp.__file__).parent
    return {
        "modules run until tools/list": Number(len(run), python),
        "of these ours": Number(sum(Path(name).is_relative_to(ours) for name in run), python),
    }
