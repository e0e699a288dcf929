"""A Dockerfile read into stages, as far as ours goes."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction: its word, and the text behind it with continued lines joined."""

    word: str
    text: str

    @property
    def listed(self) -> list[str]:
        """The exec form's words. Raises `ValueError` for the shell form."""
        words = json.loads(self.text)
        assert isinstance(words, list)
        return words


@dataclass
class Stage:
    """From one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, word: str) -> list[Instruction]:
        return [each for each in self.instructions if each.word == word]

    def one(self, word: str) -> Instruction:
        (found,) = self.all(word)
        return found

    @property
    def environment(self) -> dict[str, str]:
        pairs = (pair.partition("=") for each in self.all("ENV") for pair in shlex.split(each.text))
        return {name: value for name, _, value in pairs}


def read(path: Path) -> list[Stage]:
    """The stages in their order."""
    stages: list[Stage] = []
    joined = ""
    for line in path.read_text("utf-8").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        joined += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        word, _, text = joined.strip().partition(" ")
        joined = ""
        if word == "FROM":
            base, _, name = text.partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].instructions.append(Instruction(word, text.strip()))
    return stages


def context(root: Path) -> list[str]:
    """The names at the root that .dockerignore lets through. It must name what may go, not what may not."""
    lines = [line for line in (root / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")]
    assert lines[0] == "*", "what is not named must stay out"
    return [line.removeprefix("!") for line in lines if line.startswith("!")]
