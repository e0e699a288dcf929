"""The Node tools, and a server over HTTP with tokens, that the clients in TypeScript connect to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.http.service import Service, serving, token_for
from tests.node_tools import NodeTools, node_tools


@dataclass
class Team:
    """A service and the tokens of those who may use it, by role."""

    service: Service
    tokens: dict[str, str]


@pytest.fixture(scope="package")
def tools() -> NodeTools:
    return node_tools()


@pytest.fixture(scope="package")
def team(tools: NodeTools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """One call at a time: a call that was given up and still ran would keep the next one out."""
    place: Path = tmp_path_factory.mktemp("team")
    file = place / "tokens.toml"
    tokens = {
        "viewer": token_for(file, "a-viewer", "viewer"),
        "operator": token_for(file, "a-operator", "operator"),
    }
    flags = ["--sandbox", "--rate-per-minute", "0", "--concurrency", "1", "--tokens-file", str(file)]
    with serving(place / "server.log", *flags) as service:
        yield Team(service, tokens)
