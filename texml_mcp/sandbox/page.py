"""The page at `/`: one world as it is now, for a person who wants to look. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from texml_mcp.sandbox import render
from texml_mcp.sandbox.clock import rfc2822
from texml_mcp.sandbox.exchange import Reply
from texml_mcp.sandbox.listing import newest_first
from texml_mcp.sandbox.worlds import Worlds

_SHOWN = 50
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta http-equiv="refresh" content="3">
<title>Sandbox: {{ name or "no world yet" }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1b1b1f; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
#calls td { white-space: nowrap; }
td, th { padding: .2rem .9rem .2rem 0; text-align: left; }
th { border-bottom: 1px solid #999; } .live { color: #0a6b2d; font-weight: 600; } code { font-size: 12px; }
@media (prefers-color-scheme: dark) {
body { color: #e6e6ea; background: #16161a; } .live { color: #6fdc8c; } }
</style>
</head>
<body>
<h1>Telephone network <em>{{ name }}</em></h1>
<nav>{% for other in names %}<a href="/?world={{ other | urlencode }}">{{ other }}</a> {% endfor %}</nav>
{% if not name %}<p>No request has come yet. Each bearer token has a world of its own.</p>{% else %}
<p id="clock">{{ now }} · {{ due }} events due</p>
<h2>Calls</h2>
<table id="calls"><tr><th>From<th>To<th>Direction<th>Status<th>Seconds<th>Sid</tr>
{% for call in calls %}<tr><td>{{ call.from }}<td>{{ call.to }}<td>{{ call.direction }}
<td{% if call.status in ("ringing", "in-progress") %} class="live"{% endif %}>{{ call.status }}
<td>{{ call.duration }}<td><code>{{ call.sid }}</code></tr>
{% endfor %}</table>
<h2>Conferences</h2>
<table id="conferences"><tr><th>Name<th>Status<th>Participants</tr>
{% for room in conferences %}<tr><td>{{ room.friendly_name }}<td>{{ room.status }}
<td>{% for each in room.participants.values() %}{{ each.label or each.call }}{{ " (muted)" if each.muted }}
{{- " (hold)" if each.hold }}{{ ", " if not loop.last }}{% endfor %}</tr>
{% endfor %}</table>
<h2>Queues</h2>
<table id="queues"><tr><th>Name<th>Waiting<th>Room for<th>Average wait</tr>
{% for queue in queues %}<tr><td>{{ queue.sid }}<td>{{ queue.current_size }}<td>{{ queue.max_size }}
<td>{{ queue.average_wait_time }} s</tr>
{% endfor %}</table>{% endif %}
</body></html>
"""


@cache
def _template() -> Any:
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)


def shown_world(worlds: Worlds, query: Mapping[str, str]) -> set[str]:
    """The name of the world that the page will show: what `world=` says, or the first one; none at first."""
    every = worlds.all()
    name = query.get("world", "")
    return {name if name in every else min(every)} if every else set()


def page(worlds: Worlds, query: Mapping[str, str]) -> Reply:
    """The page of the world that `world=` names, or of the first one."""
    every = worlds.all()
    name = next(iter(shown_world(worlds, query)), "")
    headers = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
    if not name:
        return Reply(200, _template().render(name="", names=[]), headers)
    world = every[name]
    shown = _template().render(
        name=name,
        names=list(every),
        now=rfc2822(world.clock.now),
        due=len(world.clock.due),
        calls=[render.call(world, each) for each in newest_first(world.table("calls").values())[:_SHOWN]],
        conferences=newest_first(world.table("conferences").values())[:_SHOWN],
        queues=[render.queue(world, each) for each in world.table("queues").values()],
    )
    return Reply(200, shown, headers)
