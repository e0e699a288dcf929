"""Plots as SVG: bars for what is compared, lines for what grows. Readable on light and dark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 720
_LEFT, _RIGHT, _TOP, _BAR, _GAP = 230, 90, 44, 20, 10
_OURS, _OTHER, _INK, _GRID = "#0a7d4f", "#8a94a6", "#6b7280", "#9ca3af"
_LINES = ("#0a7d4f", "#c2410c", "#2563eb", "#9333ea", "#b45309", "#0891b2", "#be123c", "#4d7c0f")

Bars = Mapping[str, float]
Points = Sequence[tuple[float, float]]


def bars(title: str, values: Bars, unit: str, *, ours: str) -> str:
    """Horizontal bars from nought, ours in its own colour, each with its value."""
    most = max(values.values())
    parts: list[str] = []
    for turn, (name, value) in enumerate(values.items()):
        top = _TOP + turn * (_BAR + _GAP)
        long = max(1.0, (WIDTH - _LEFT - _RIGHT) * value / most)
        colour = _OURS if name == ours else _OTHER
        middle = top + _BAR * 0.72
        parts += [
            _text(_LEFT - 10, middle, name, anchor="end"),
            f'<rect x="{_LEFT}" y="{top}" width="{long:.1f}" height="{_BAR}" rx="3" fill="{colour}"/>',
            _text(_LEFT + long + 8, middle, f"{value:,g} {unit}".strip()),
        ]
    return _svg(title, _TOP + len(values) * (_BAR + _GAP) + 6, parts)


def stacked(title: str, values: Mapping[str, Bars], unit: str) -> str:
    """Horizontal bars of parts that add up, each bar with its sum; the legend is below."""
    most = max(sum(each.values()) for each in values.values())
    names = dict.fromkeys(part for each in values.values() for part in each)
    colours = {name: _LINES[turn % len(_LINES)] for turn, name in enumerate(names)}
    parts: list[str] = []
    for turn, (name, each) in enumerate(values.items()):
        top, at = _TOP + turn * (_BAR + _GAP), float(_LEFT)
        parts.append(_text(_LEFT - 10, top + _BAR * 0.72, name, anchor="end"))
        for part, value in each.items():
            long = (WIDTH - _LEFT - _RIGHT) * value / most
            colour = colours[part]
            told = f"<title>{escape(part)}: {value:.3g} {escape(unit)}</title>"
            place = f'x="{at:.1f}" y="{top}" width="{long:.1f}" height="{_BAR}"'
            parts.append(f'<rect {place} fill="{colour}">{told}</rect>')
            at += long
        parts.append(_text(at + 8, top + _BAR * 0.72, f"{sum(each.values()):.3g} {unit}"))
    below = _TOP + len(values) * (_BAR + _GAP) + 16
    for turn, (name, colour) in enumerate(colours.items()):
        x, y = 20 + (turn % 3) * 230, below + (turn // 3) * 20
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 18, y, name))
    return _svg(title, below + 20 * math.ceil(len(colours) / 3), parts)


def lines(title: str, series: Mapping[str, Points], x_unit: str, y_unit: str) -> str:
    """Lines over two logarithmic axes: a straight one at 45 degrees is linear, a level one is flat."""
    height, bottom, left, right = 430, 60, 70, 250
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    x_low, x_high = _decades(xs)
    y_low, y_high = _decades(ys)

    def across(x: float) -> float:
        return left + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - left - right)

    def up(y: float) -> float:
        return height - bottom - (math.log10(y) - y_low) / (y_high - y_low) * (height - bottom - _TOP)

    parts: list[str] = []
    for power in range(x_low, x_high + 1):
        at = across(10**power)
        parts += [
            _rule(at, _TOP, at, height - bottom),
            _text(at, height - bottom + 18, _short(power), "middle"),
        ]
    for power in range(y_low, y_high + 1):
        at = up(10**power)
        parts += [_rule(left, at, WIDTH - right, at), _text(left - 8, at + 4, _short(power), "end")]
    parts.append(_text((left + WIDTH - right) / 2, height - 18, x_unit, "middle"))
    parts.append(_text(left, _TOP - 8, y_unit, "end"))
    for turn, (name, points) in enumerate(series.items()):
        colour = _LINES[turn % len(_LINES)]
        dashes = ' stroke-dasharray="6 4"' if turn >= len(_LINES) else ""
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        row = _TOP + 10 + turn * 20
        start = WIDTH - right + 14
        parts.append(
            f'<line x1="{start}" y1="{row}" x2="{start + 22}" y2="{row}" stroke="{colour}" '
            f'stroke-width="3"{dashes}/>'
        )
        parts.append(_text(start + 28, row + 4, name))
    return _svg(title, height, parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _short(power: int) -> str:
    value = 10.0**power
    return f"{value:,.0f}" if power >= 0 else f"{value:g}"


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{_GRID}" stroke-opacity="0.35"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{_INK}">{escape(words)}</text>'
    )


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    body = "\n".join([f"<title>{escape(title)}</title>", _text(10, 22, title, size=14), *parts])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" '
        f'height="{height:g}" role="img" font-family="system-ui, sans-serif">\n{body}\n</svg>\n'
    )
