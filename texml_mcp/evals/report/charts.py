"""Plots as SVG: bars and lines that need no script, no font and no network, and take the page's colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

BAR_HEIGHT = 18
BAR_GAP = 6
LABEL_WIDTH = 190
PLOT_WIDTH = 420
LINE_HEIGHT = 220
COLOURS = 6
"""How many colours the page has, the classes `c0`, `c1` and so on; after the last the first comes again."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `low` and `high` are the ends of its interval, where there is one."""

    label: str
    value: float
    shown: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """One line through `(x, y)`, with the interval of each `y` where there is one."""

    label: str
    points: Sequence[tuple[float, float]]
    intervals: Sequence[tuple[float, float]] = ()


def bars(title: str, groups: Sequence[tuple[str, Sequence[Bar]]], *, most: float | None = None) -> str:
    """Bars in groups of one each run, from 0 to `most`, or to the largest value."""
    every = [bar for _, group in groups for bar in group]
    top = most or max([bar.high or bar.value for bar in every], default=0.0) or 1.0
    parts: list[str] = []
    y = 0
    for label, group in groups:
        middle = y + (len(group) * BAR_HEIGHT) / 2 + 4
        parts.append(_text(LABEL_WIDTH - 8, middle, label, anchor="end"))
        for at, bar in enumerate(group):
            parts.append(_bar(bar, y, at % COLOURS, top))
            y += BAR_HEIGHT
        y += BAR_GAP
    return _svg(title, LABEL_WIDTH + PLOT_WIDTH + 120, max(y, BAR_HEIGHT), parts)


def lines(title: str, series: Sequence[Series], x_label: str) -> str:
    """Lines over whole numbers, `y` from 0 to 1."""
    xs = sorted({x for each in series for x, _ in each.points}) or [1.0]
    first, last = xs[0], max(xs[-1], xs[0] + 1)

    def at(x: float, y: float) -> tuple[float, float]:
        return 40 + (x - first) / (last - first) * PLOT_WIDTH, LINE_HEIGHT - y * (LINE_HEIGHT - 20)

    parts: list[str] = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        left, y = at(first, share)
        parts.append(
            f'<line class="grid" x1="{left:.1f}" x2="{left + PLOT_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(_text(34, y + 4, f"{share:.0%}", anchor="end"))
    for x in xs:
        parts.append(_text(at(x, 0)[0], LINE_HEIGHT + 16, f"{x:g}", anchor="middle"))
    parts.append(_text(40 + PLOT_WIDTH / 2, LINE_HEIGHT + 34, x_label, anchor="middle"))
    for number, each in enumerate(series):
        colour = f"c{number % COLOURS}"
        if each.intervals:
            edge = [at(x, high) for (x, _), (_, high) in zip(each.points, each.intervals, strict=True)]
            back = [at(x, low) for (x, _), (low, _) in zip(each.points, each.intervals, strict=True)]
            parts.append(f'<polygon class="band {colour}" points="{_points([*edge, *reversed(back)])}"/>')
        places = [at(x, y) for x, y in each.points]
        parts.append(f'<polyline class="line {colour}" points="{_points(places)}"/>')
        for (x, y), (_, value) in zip(places, each.points, strict=True):
            said = escape(f"{each.label}: {value:.1%}")
            parts.append(
                f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"><title>{said}</title></circle>'
            )
        # The names stand at the ends of the lines, one below the other where they would meet.
        parts.append(_text(PLOT_WIDTH + 52, 24 + 16 * number, each.label, style=f"key {colour}"))
    return _svg(title, PLOT_WIDTH + 260, LINE_HEIGHT + 40, parts)


def _bar(bar: Bar, y: float, colour: int, top: float) -> str:
    width = max(0.0, min(1.0, bar.value / top)) * PLOT_WIDTH
    inner = y + BAR_HEIGHT / 2
    place = f'x="{LABEL_WIDTH}" y="{y + 2}" width="{width:.1f}" height="{BAR_HEIGHT - 4}"'
    made = f'<rect class="c{colour}" {place}><title>{escape(bar.label)}: {escape(bar.shown)}</title></rect>'
    end = width
    if bar.low is not None and bar.high is not None:
        low, high = (LABEL_WIDTH + min(1.0, edge / top) * PLOT_WIDTH for edge in (bar.low, bar.high))
        made += f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{inner}" y2="{inner}"/>'
        end = max(end, high - LABEL_WIDTH)
    return made + _text(LABEL_WIDTH + end + 6, inner + 4, bar.shown)


def _text(x: float, y: float, words: str, *, anchor: str = "start", style: str = "") -> str:
    kind = f' class="{style}"' if style else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _svg(title: str, width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" style="max-width: {width:g}px">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
