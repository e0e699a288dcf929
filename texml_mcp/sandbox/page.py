"""The page at `/`: one world as it is now, for a person who wants to look. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from texml_mcp.sandbox import render
from texml_mcp.sandbox.clock import rfc2822
from texml_mcp.sandbox.exchange import Reply
from texml_mcp.sandbox.listing import newest_first
from texml_mcp.sandbox.world import FINAL, Record, World
from texml_mcp.sandbox.worlds import Worlds

_SHOWN = 50
_HEARD_BY = {"live_transcriptions": "transcribed", "streams": "streamed", "siprecs": "SIPREC"}
_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta http-equiv="refresh" content="3">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sandbox: {{ name or "no world yet" }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #1b1b1f; background: #fff; }
h1 { font-size: 1.4rem; margin: 0 0 .3rem; } h2 { font-size: 1.05rem; margin: 1.2rem 0 0; }
nav a { margin-right: .8rem; } a { color: #0b57d0; } #clock { margin: .4rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .4rem 0 0; }
td { vertical-align: top; } td.short { white-space: nowrap; } .wide { min-width: 9rem; }
td, th { padding: .2rem 1rem .2rem 0; text-align: left; }
th { border-bottom: 1px solid #999; font-weight: 600; white-space: nowrap; }
.live { color: #0a6b2d; font-weight: 600; } code { font-size: 12px; } .none { opacity: .7; margin: .3rem 0; }
@media (prefers-color-scheme: dark) {
body { color: #e6e6ea; background: #16161a; } .live { color: #6fdc8c; } a { color: #8ab4f8; } }
</style>
</head>
<body>
<h1>Telephone network <em>{{ name }}</em></h1>
<nav>{% for other in names %}<a href="/?world={{ other | urlencode }}">{{ other }}</a> {% endfor %}</nav>
{% if not name %}<p>No request has come yet. Each bearer token has a world of its own.</p>{% else %}
<p id="clock">{{ now }} · {{ due }} events due</p>
{% macro state(word) %}<td class="short{% if word in live %} live{% endif %}">{{ word }}{% endmacro %}
{% macro table(id, title, heads, rows) %}
<h2>{{ title }}</h2>
{% if not rows %}<p class="none">none</p>{% endif %}
<div class="scroll"><table id="{{ id }}">{% if rows %}<tr>
{% for head in heads %}<th>{{ head }}{% endfor %}</tr>
{% endif %}{% for row in rows %}<tr>{{ caller(row) }}</tr>
{% endfor %}</table></div>{% endmacro %}
{% call(room) table("conferences", "Conferences", ["Name", "Status", "Participants"], conferences) %}
<td>{{ room.friendly_name }}{{ state(room.status) }}
<td>{% for each in room.participants.values() %}{{ each.label or each.call }}{{ " (muted)" if each.muted }}
{{- " (hold)" if each.hold }}{{ " (coaching)" if each.coaching }}{{ ", " if not loop.last }}{% endfor %}
{% endcall %}
{% call(queue) table("queues", "Queues", ["Name", "Waiting", "Room for", "Average wait"], queues) %}
<td>{{ queue.sid }}<td>{{ queue.current_size }}<td>{{ queue.max_size }}<td>{{ queue.average_wait_time }} s
{% endcall %}
{% call(each) table("recordings", "Recordings that run", ["Of", "Status", "Since", "Sid"], recordings) %}
<td>{{ each.of }}{{ state(each.status) }}<td class="short">{{ each.since }}
<td class="short"><code>{{ each.sid }}</code>{% endcall %}
{% call(c) table("calls", "Calls", ["From", "To", "Direction", "Status", "Seconds", "Doing", "Hears", "Sid"],
calls) %}<td class="short">{{ c.from }}<td class="short">{{ c.to }}<td>{{ c.direction }}{{ state(c.status) }}
<td>{{ c.duration }}<td class="wide">{{ c.doing }}<td class="wide">{{ c.hears }}
<td class="short"><code>{{ c.sid }}</code>{% endcall %}
{% endif %}
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
        names=list(every)[:_SHOWN],
        now=rfc2822(world.clock.now),
        due=len(world.clock.due),
        live=("ringing", "in-progress", "init"),
        calls=_calls(world),
        conferences=newest_first(world.table("conferences").values())[:_SHOWN],
        queues=[render.queue(world, each) for each in world.table("queues").values()][:_SHOWN],
        recordings=_recordings(world)[:_SHOWN],
    )
    return Reply(200, shown, headers)


def _calls(world: World) -> list[dict[str, Any]]:
    hears = world.hears()
    newest = newest_first(world.table("calls").values())[:_SHOWN]
    return [
        {
            **render.call(world, each),
            "doing": _doing(world, each),
            "hears": ", ".join(_name(world, sid) for sid in hears.get(each["sid"], ())),
        }
        for each in newest
    ]


def _doing(world: World, call: Record) -> str:
    """What a live leg is busy with, in a few words."""
    if call["status"] in FINAL:
        return ""
    parts: list[str] = []
    if call["supervises"] is not None:
        parts.append(f"supervises {_name(world, call['supervises'])} ({call['role']})")
    if call["conference"] is not None:
        conference = world.table("conferences")[call["conference"]]
        me = conference["participants"][call["sid"]]
        parts.append(f"in {conference['friendly_name']}")
        if me["coaching"]:
            parts.append(f"coaches {_name(world, me['coached']) if me['coached'] else 'nobody'}")
    if call["queue"] is not None:
        parts.append(f"waits in {call['queue']}")
    if call["serves"] is not None:
        parts.append(f"takes callers of {call['serves']}")
    if call["peer"] is not None:
        parts.append(f"talks to {_name(world, call['peer'])}")
    if call["suppression"] is not None:
        parts.append(f"noise suppressed ({call['suppression']})")
    for table, word in (
        ("live_transcriptions", "transcribed"),
        ("streams", "streamed"),
        ("siprecs", "SIPREC"),
    ):
        if any(
            each["call"] == call["sid"] and each["status"] == "in-progress" for each in _all(world, table)
        ):
            parts.append(word)
    return "; ".join(parts)


def _recordings(world: World) -> list[dict[str, Any]]:
    running = [each for each in _all(world, "recordings") if each["status"] in ("in-progress", "paused")]
    return [
        {
            "of": _of(world, each),
            "status": each["status"],
            "since": rfc2822(each["started"]),
            "sid": each["sid"],
        }
        for each in newest_first(running)
    ]


def _of(world: World, recording: Record) -> str:
    conference = world.table("conferences").get(recording["conference"] or "")
    if conference is not None:
        return f"conference {conference['friendly_name']}"
    return _name(world, recording["call"])


def _name(world: World, sid: str) -> str:
    """The other end's number, which a person tells apart more easily than SIDs."""
    call = world.table("calls").get(sid)
    if call is None:
        return sid
    return call["from"] if call["direction"] == "inbound" else call["to"]


def _all(world: World, table: str) -> list[Record]:
    return list(world.table(table).values())
