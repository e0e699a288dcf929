"""A short start leaves out what stdio does not use, and nobody can tell: whatever is asked for is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from texml_mcp.server.startup import WAITING

PACKAGE = {
    "pack/__init__.py": """
from .heavy import LIMIT as MOST, Heavy
from . import other
import pack.deep.down as down
import pack.another
from .broken import nothing

def most(): return MOST
def names(): return Heavy, other.NAME, down.NAME, pack.another.NAME
def inside():
    from .late import NAME
    return NAME
class Own:
    from .early import NAME
    length = len("builtins are there")
""",
    "pack/heavy.py": "LIMIT = 5\nclass Heavy: pass\n",
    "pack/other.py": "NAME = 'other'\n",
    "pack/another.py": "NAME = 'another'\n",
    "pack/late.py": "NAME = 'late'\n",
    "pack/early.py": "NAME = 'early'\n",
    "pack/deep/__init__.py": "",
    "pack/deep/down.py": "NAME = 'down'\n",
    "pack/broken.py": "raise RuntimeError('broken at home')\n",
}

LAZY = """
import sys
from texml_mcp.server.startup.lazy import LazyImports
sys.path.insert(0, sys.argv[1])
sys.meta_path.insert(0, LazyImports({"pack": ("pack",)}))
def loaded(): return sorted(name for name in sys.modules if name.startswith("pack."))
"""


def python(code: str, *arguments: str, **environment: str) -> Any:
    """What a Python of its own prints as JSON: what is imported here would decide what is imported there."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "", "PYTHONPATH": os.pathsep.join(sys.path)} | environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def pack(tmp_path: Path) -> str:
    for name, text in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)
    return str(tmp_path)


def test_an_import_is_made_when_its_name_is_used(pack: str) -> None:
    steps = """
import json, pack
at_first = loaded()
most = pack.most()
then = loaded()
kinds = [type(pack.Heavy).__name__, pack.other.NAME]
names = [str(each) for each in pack.names()[1:]]
print(json.dumps([at_first, most, then, kinds, names, pack.inside(), pack.Own.NAME, pack.Own.length]))
"""
    at_first, most, then, kinds, names, inside, own, length = python(LAZY + steps, pack)
    assert at_first == ["pack.early"]  # a class needs what it asks for
    assert most == 5
    assert then == ["pack.early", "pack.heavy"]
    assert kinds == ["type", "other"]
    assert names == ["other", "down", "another"]
    assert (inside, own, length) == ("late", "early", 18)


def test_what_is_not_there_is_missing_as_ever(pack: str) -> None:
    steps = """
import json, pack
told = []
for code in ("pack.none", "from pack import none", "pack.nothing", "pack.nothing"):
    try:
        exec(code)
    except Exception as error:
        told.append([type(error).__name__, str(error).split(" (")[0]])
print(json.dumps(told))
"""
    assert python(LAZY + steps, pack) == [
        ["AttributeError", "module 'pack' has no attribute 'none'"],
        ["ImportError", "cannot import name 'none' from 'pack'"],
        ["RuntimeError", "broken at home"],
        ["RuntimeError", "broken at home"],
    ]


def test_threads_that_ask_at_once_get_the_same(pack: str) -> None:
    steps = """
import json, pack
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(16) as pool:
    found = list(pool.map(lambda _: pack.Heavy, range(64)))
print(json.dumps([len(set(map(id, found))), found[0] is sys.modules["pack.heavy"].Heavy]))
"""
    assert python(LAZY + steps, pack) == [1, True]


def test_who_hooks_into_an_import_still_does(pack: str) -> None:
    steps = """
import json
from importlib.machinery import PathFinder, SourceFileLoader
class Traced(SourceFileLoader):
    def exec_module(self, module):
        super().exec_module(module)
        module.traced = True
class Hook:
    def find_spec(self, name, path=None, target=None):
        spec = PathFinder.find_spec(name, path, target) if name == "pack" else None
        if spec is not None:
            spec.loader = Traced(spec.loader.name, spec.loader.path)
        return spec
sys.meta_path.insert(1, Hook())
sys.modules["pack.broken"] = type(sys)("pack.broken")
sys.modules["pack.broken"].nothing = None
import pack
print(json.dumps([pack.traced, "pack.heavy" in loaded()]))
"""
    assert python(LAZY + steps, pack) == [True, True]


SHORT = "import json, sys\nfrom texml_mcp.server.startup import shorten\n"


def test_a_server_on_stdio_loads_no_client_no_web_and_no_cryptography() -> None:
    loaded = python(
        SHORT + "shorten()\nimport texml_mcp.server.app, texml_mcp.server.services, texml_mcp.server.pipes\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    parts = {name.partition(".")[0] for name in loaded}
    assert not parts & {"uvicorn", "sse_starlette", "httpx2", "cryptography", "jsonschema", "jwt"}
    assert "starlette.applications" not in loaded
    assert not [
        name for name in loaded if name.startswith(("mcp.client", "mcp.server.mcpserver", "mcp.server.auth"))
    ]


EXPORTED = """
import importlib
def shown(value):
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__name__)}"
told = {}
for name in WANTED or MODULES:
    module = importlib.import_module(name)
    own = [key for key in WANTED.get(name, vars(module)) if key[:2] != "__"]
    for each in getattr(module, "__all__", own):
        told[f"{name}.{each}"] = shown(getattr(module, each))
print(json.dumps(told))
"""


@pytest.mark.long
def test_every_name_of_the_sdk_is_what_it_is_without() -> None:
    plain = python(f"import json, sys\nMODULES = {list(WAITING)}\nWANTED = {{}}\n{EXPORTED}")
    wanted: dict[str, list[str]] = {}
    for each in plain:
        module, _, name = each.rpartition(".")
        wanted.setdefault(module, []).append(name)
    assert len(plain) > 200
    assert python(SHORT + f"WANTED = {wanted!r}\nshorten()\n" + EXPORTED) == plain


MODELS = """
import hashlib, inspect
import mcp_types, mcp_types._v2025_11_25 as older, mcp_types._v2026_07_28 as newer
from pydantic import BaseModel, TypeAdapter
told = {}
for module in (mcp_types, older, newer):
    for name, value in sorted(vars(module).items()):
        if inspect.isclass(value) and issubclass(value, BaseModel):
            schemas = [value.model_json_schema(mode=mode) for mode in ("validation", "serialization")]
        elif isinstance(value, TypeAdapter):
            schemas = [value.json_schema()]
        else:
            continue
        told[f"{module.__name__}.{name}"] = hashlib.sha256(json.dumps(schemas).encode()).hexdigest()
print(json.dumps(told))
"""


@pytest.mark.long
def test_every_model_of_the_protocol_is_what_it_is_without() -> None:
    plain = python("import json\n" + MODELS)
    assert len(plain) > 400
    assert python(SHORT + "shorten()\n" + MODELS) == plain


def test_models_made_afterwards_are_built_at_once() -> None:
    made = """
shorten()
import pydantic
from pydantic import BaseModel, TypeAdapter
class Mine(BaseModel):
    number: int
print(json.dumps([Mine.__pydantic_complete__, BaseModel.model_config, pydantic.TypeAdapter is TypeAdapter,
                  TypeAdapter(int | str).pydantic_complete, BaseModel.model_rebuild.__qualname__]))
"""
    assert python(SHORT + made) == [True, {}, True, True, "BaseModel.model_rebuild"]


HTTP = """
shorten()
import anyio, httpx
from mcp.server.lowlevel import Server

async def list_tools(ctx, params):
    return {"resultType": "complete", "tools": [{"name": "one", "inputSchema": {"type": "object"}}]}

async def main():
    server = Server("late", on_list_tools=list_tools)
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    async with app.router.lifespan_context(app):
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000")
        answer = await client.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
            headers={"accept": "application/json, text/event-stream"},
        )
        print(json.dumps(answer.json()["result"]["serverInfo"]["name"]))

anyio.run(main)
"""


def test_what_was_left_out_works_when_it_is_asked_for_after_all() -> None:
    assert python(SHORT + HTTP) == "late"


def imported_by(*options: str) -> str:
    """What Python says it has imported by the time that a server over HTTP listens."""
    command = [sys.executable, "-X", "importtime", "-m", "texml_mcp", "serve", "--sandbox", "--http"]
    environment = {**os.environ, "NO_COLOR": "1"}
    server = subprocess.Popen(
        [*command, "--port", "0", *options], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert server.stderr is not None
    told: list[str] = []
    try:
        for line in server.stderr:
            told.append(line)
            if "serving on" in line:
                return "".join(told)
        raise AssertionError("".join(told)[-600:])
    finally:
        server.terminate()
        server.communicate()


@pytest.mark.long
def test_a_server_over_http_loads_no_client_either() -> None:
    assert "mcp.client.session\n" not in imported_by()
    assert "mcp.client.session\n" in imported_by("--plain-stdio"), "loaded in full where that is asked for"


@pytest.mark.long
def test_an_sdk_that_does_not_load_in_part_is_loaded_in_full() -> None:
    broken = """
import logging
from texml_mcp.server import startup
logged = []
startup.log.warning = lambda words, *values: logged.append(words % values)
import texml_mcp.server.startup.lazy as lazy
real = lazy._LazyLoader.exec_module
def refuse(self, module):
    if module.__name__ == "mcp.server.lowlevel.server":
        raise TypeError("not in this version")
    real(self, module)
lazy._LazyLoader.exec_module = refuse
startup.shorten()
from mcp.server.lowlevel import Server
import mcp
print(json.dumps([logged, "mcp.client" in sys.modules, Server("whole").name, mcp.ClientSession.__name__]))
"""
    assert python("import json, sys\n" + broken) == [
        ["the SDK is loaded in full, as it does not load in part (TypeError)"],
        True,
        "whole",
        "ClientSession",
    ]
