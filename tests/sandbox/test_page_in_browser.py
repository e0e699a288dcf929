"""The page at `/` as a browser shows it: headless Chromium, where it is installed."""

from __future__ import annotations

import re
import subprocess
from html import unescape
from pathlib import Path

import pytest

from tests.contract.conftest import serving
from tests.sandbox.conftest import asker
from texml_mcp.sandbox import World, Worlds
from texml_mcp.sandbox.clock import rfc2822
from texml_mcp.sandbox.default_world import ACCOUNT_SID, MAIN_APPLICATION

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1200,1000",
]
HOSTILE = "<script>document.title='taken'</script>"
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


def _browse(profile: Path, url: str, *flags: str) -> str:
    """What the browser prints. A new profile each time: no page of an earlier test is remembered."""
    done = subprocess.run(
        [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *flags, url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def told() -> Worlds:
    """A world after a story: a live call, one that rings, and a queue that an enemy named."""
    worlds = Worlds()
    ask = asker(worlds.of("sandbox-page"))
    talk = "<Response><Pause length='300'/></Response>"
    for to in ("+13125550142", "+13125550143"):
        body = {"To": to, "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION, "Texml": talk}
        assert ask("create_call", account_sid=ACCOUNT_SID, **body)[0] == 200
    watched = {"To": "+13125550148", "From": "+13125550100", "ApplicationSid": MAIN_APPLICATION}
    world = worlds.of("sandbox-page")
    world.advance(5)
    live = next(sid for sid, each in world.table("calls").items() if each["to"] == "+13125550142"
                and each["status"] == "in-progress")  # fmt: skip
    watched |= {"SuperviseCallSid": live, "SupervisingRole": "whisper"}
    assert ask("create_call", account_sid=ACCOUNT_SID, **watched)[0] == 200
    assert ask("start_call_recording", account_sid=ACCOUNT_SID, call_sid=live)[0] == 200
    made = ask("create_queue", account_sid=ACCOUNT_SID, FriendlyName=HOSTILE, MaxSize=41)
    assert made[0] == 200, made
    worlds.of("sandbox-page").advance(10)
    return worlds


@pytest.fixture(scope="module")
def world(told: Worlds) -> World:
    return told.of("sandbox-page")


@pytest.fixture(scope="module")
def dom(told: Worlds, world: World, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The document as the browser holds it after loading."""
    before = world.hash()
    with serving(told) as url:
        page = url.removesuffix("/v2") + "/?world=sandbox-page"
        shown = _browse(tmp_path_factory.mktemp("profile"), page, "--dump-dom")
    assert world.hash() == before
    return shown


def _rows(dom: str, table: str) -> list[list[str]]:
    """The text of each cell, by row, without the head."""
    body = re.search(rf'<table id="{table}">(.*?)</table>', dom, re.S)
    assert body, f"no table {table}"
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body[1], re.S)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in rows]
    return [[unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in row] for row in cells if row]


def test_it_shows_every_call_newest_first(dom: str, world: World) -> None:
    rows = _rows(dom, "calls")
    newest = [row[:4] for row in rows if row[1] in ("+13125550142", "+13125550143")][:2]
    assert [row[1] for row in newest] == ["+13125550143", "+13125550142"]
    assert newest[1][::3] == ["+13125550100", "in-progress"]
    assert {row[7] for row in rows} <= set(world.table("calls"))
    assert len(rows) == min(50, len(world.table("calls")))


def test_it_shows_every_conference_with_who_is_in_it(dom: str, world: World) -> None:
    rows = _rows(dom, "conferences")
    assert sorted(row[0] for row in rows) == sorted(
        each["friendly_name"] for each in world.table("conferences").values()
    )
    care = next(row for row in rows if row[0] == "care-team" and row[1] == "in-progress")
    assert len(care[2].split(", ")) == 3


def test_it_shows_queues_and_the_clock(dom: str, world: World) -> None:
    assert [row[0] for row in _rows(dom, "queues")] == list(world.table("queues"))
    assert next(row for row in _rows(dom, "queues") if row[2] == "41")[1] == "0"
    clock = re.search(r'<p id="clock">(.*?)</p>', dom)
    assert clock
    assert clock[1] == f"{rfc2822(world.clock.now)} · {len(world.clock.due)} events due"


def test_it_shows_who_supervises_whom_and_who_hears_whom(dom: str) -> None:
    rows = {row[1]: row for row in reversed(_rows(dom, "calls"))}
    assert rows["+13125550148"][5:7] == ["supervises +13125550142 (whisper)", "+13125550142"]
    assert rows["+13125550142"][6] == "+13125550148"
    assert {row[5] for row in rows.values() if row[3] == "completed"} == {""}


def test_it_shows_the_recordings_that_run(dom: str, world: World) -> None:
    running = {
        sid for sid, each in world.table("recordings").items() if each["status"] in ("in-progress", "paused")
    }
    rows = _rows(dom, "recordings")
    assert {row[3] for row in rows} == running
    assert rows[0][:2] == ["+13125550142", "in-progress"]


def test_a_hostile_name_is_text(dom: str) -> None:
    assert HOSTILE in [row[0] for row in _rows(dom, "queues")]
    assert "<script" not in dom
    assert "<title>Sandbox: sandbox-page</title>" in dom


def test_it_can_be_photographed(told: Worlds, tmp_path: Path) -> None:
    shot = tmp_path / "page.png"
    with serving(told) as url:
        page = url.removesuffix("/v2") + "/?world=sandbox-page"
        _browse(tmp_path / "profile", page, f"--screenshot={shot}")
    content = shot.read_bytes()
    assert content.startswith(PNG)
    assert int.from_bytes(content[16:20]) == 1200
    # A blank page of this size packs into a few kilobytes.
    assert len(content) > 20_000
