"""The page about traces: what it says is in it, and what an agent says stays text."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evals import tiny
from texml_mcp.evals.agents import Agent
from texml_mcp.evals.agents.scripted import Greedy, Reference
from texml_mcp.evals.recorder import Recorder
from texml_mcp.evals.report import page, write
from texml_mcp.evals.report.charts import Bar, Series, bars, lines
from texml_mcp.evals.run import Plan, run
from texml_mcp.evals.servers import OwnServer
from texml_mcp.evals.stage import Stage
from texml_mcp.evals.trace import TraceError, read

TASK = tiny.shipped()["call-and-report-length"]
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)> \u202e\x1b[31m & \ud800"


class Hostile:
    """Says what a page must not take for its own."""

    name = "hostile <b>agent</b>"

    async def play(self, stage: Stage) -> None:
        await stage.done(HOSTILE)


def traced(agent: Agent, path: Path, trials: int = 1) -> Path:
    plan = Plan(tasks=[TASK], agent=agent, server=OwnServer(), trials=trials)
    recorder = Recorder(path)
    try:
        anyio.run(lambda: run(plan, recorder=recorder))
    finally:
        recorder.close()
    return path


class Tags(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


def test_a_page_compares_runs_and_says_why_some_failed(tmp_path: Path) -> None:
    good = traced(Reference(), tmp_path / "good.jsonl", trials=2)
    bad = traced(Greedy(), tmp_path / "bad.jsonl")
    write([good, bad], tmp_path / "report.html")
    told = parsed((tmp_path / "report.html").read_text())
    for words in (
        "reference on texml-mcp",
        "greedy on texml-mcp",
        "2/2",
        "0/1",
        "tripped the mine rang_twice",
    ):
        assert words in told.text
    assert "svg" in told.seen


def test_two_runs_that_are_called_alike_are_told_apart(tmp_path: Path) -> None:
    paths = [traced(Reference(), tmp_path / f"{name}.jsonl") for name in "ab"]
    told = parsed(page([read(path) for path in paths])).text
    assert "reference on texml-mcp (1)" in told
    assert "reference on texml-mcp (2)" in told


def test_what_an_agent_says_stays_text(tmp_path: Path) -> None:
    path = traced(Hostile(), tmp_path / "trace.jsonl")
    write([path], tmp_path / "report.html")
    html = (tmp_path / "report.html").read_bytes().decode()
    told = parsed(html)
    assert not {"script", "img", "b"} & told.seen
    assert not [name for name in told.attributes if name.startswith("on")]
    assert "alert(1)" in told.text, "it is shown"
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert "default-src 'none'" in html


def test_a_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    html = page([read(traced(Reference(), tmp_path / "trace.jsonl"))])
    assert "http://" not in html
    assert "https://" not in html


def test_a_trace_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "no.jsonl").write_text("{}")
    with pytest.raises(TraceError, match=r"no\.jsonl"):
        write([tmp_path / "no.jsonl"], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


SHARES = st.floats(0, 1)


@given(st.lists(st.tuples(st.text(), SHARES, SHARES, SHARES), max_size=5))
def test_bars_are_well_formed_whatever_they_are_called(drawn: list[tuple[str, float, float, float]]) -> None:
    group = [Bar(label, value, label, low, high) for label, value, low, high in drawn]
    legal = [bar for bar in group if _is_legal_xml(bar.label)]
    svg = ET.fromstring(bars("title & more", [("group <a>", legal)], most=1.0))
    assert len(svg.findall("rect")) == len(legal)


@given(st.lists(st.lists(SHARES, min_size=1, max_size=4), max_size=4))
def test_lines_stay_within_the_plot(drawn: list[list[float]]) -> None:
    series = [Series("s", [(at + 1.0, y) for at, y in enumerate(ys)], [(y, y) for y in ys]) for ys in drawn]
    svg = ET.fromstring(lines("title", series, "k"))
    height = float(svg.attrib["viewBox"].split()[3])
    assert all(0 <= float(each.attrib["cy"]) <= height for each in svg.findall("circle"))


def _is_legal_xml(text: str) -> bool:
    return all(each in "\t\n\r" or " " <= each < "\ud800" or "\ue000" <= each < "\ufffe" for each in text)
