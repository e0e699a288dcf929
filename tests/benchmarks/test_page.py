"""The page of figures: made from one committed run, and never edited by hand."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from benchmarks.page import DOCS, FIGURES, markdown, merged, rendered, to_json
from benchmarks.plot import bars, lines


def test_the_page_is_what_its_figures_say() -> None:
    text = (DOCS / FIGURES).read_text()
    figures = json.loads(text)
    assert to_json(figures) == text
    for name, made in rendered(figures).items():
        assert (DOCS / name).read_text() == made, f"{name}: make bench PAGE=1 makes it anew"


def test_the_figures_say_what_they_were_measured_on_and_nothing_of_whose_it_is() -> None:
    told = json.loads((DOCS / FIGURES).read_text())["machine"]
    assert set(told) <= {"cpu", "cores", "system", "python", "mcp", "memory GiB"}


def test_a_run_of_one_measurement_leaves_the_others_as_they_are() -> None:
    before = {"machine": {"cpu": "a"}, "measures": {"call": {"rows": [1]}, "startup": {"rows": [2]}}}
    now = {"machine": {"cpu": "a"}, "measures": {"startup": {"rows": [3]}}}
    assert merged(before, now)["measures"] == {"startup": {"rows": [3]}, "call": {"rows": [1]}}
    assert merged(None, now) == now


def test_figures_of_two_machines_are_never_on_one_page() -> None:
    before = {"machine": {"cpu": "a"}, "measures": {"call": {"rows": [1]}}}
    now = {"machine": {"cpu": "b"}, "measures": {"startup": {"rows": [3]}}}
    assert merged(before, now) == now


def test_a_table_has_every_column_and_no_row_that_was_not_measured() -> None:
    rows = [
        {"what": "ours", "tokens": 7000, "points": [[1, 2]]},
        {"what": "theirs", "tokens": 79177, "note": "all of it"},
        {"what": "absent", "why not": "it does not install"},
    ]
    assert markdown(rows).splitlines() == [
        "| what | tokens | note |",
        "| --- | --- | --- |",
        "| ours | 7,000 |  |",
        "| theirs | 79,177 | all of it |",
    ]


def test_the_longest_bar_is_the_largest_value_and_ours_stands_out() -> None:
    svg = ElementTree.fromstring(bars("A <title>", {"ours": 1.0, "theirs": 4.0}, "ms", ours="ours"))
    ours, theirs = svg.iter("{http://www.w3.org/2000/svg}rect")
    assert float(theirs.attrib["width"]) == pytest.approx(4 * float(ours.attrib["width"]), rel=0.01)
    assert ours.attrib["fill"] != theirs.attrib["fill"]


def test_lines_lie_within_their_axes() -> None:
    svg = ElementTree.fromstring(
        lines("Growth", {"a": [(1, 5.0), (10_000, 5.0)], "b": [(10, 0.02)]}, "x", "µs")
    )
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    dots = list(svg.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(dots) == 3
    assert all(0 < float(dot.attrib["cx"]) < width and 0 < float(dot.attrib["cy"]) < height for dot in dots)
