"""The audit trail: written by many, changed by nobody without showing, and without a value in it."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texml_mcp.cli import audit as command
from texml_mcp.gate.audit import AuditError, AuditEvent, AuditLog, Verdict, export, tail, verify
from texml_mcp.gate.store.digests import Digester, load_key

KEY = Digester(b"k" * 32)
LINES = 6


def written(path: Path, count: int = LINES) -> Path:
    log = AuditLog(path, KEY, clock=lambda: 1_800_000_000.25)
    for number in range(count):
        log.append(AuditEvent("settled", tool="create_call", outcome=f"ok {number}", subject="+13125550100"))
    return path


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return written(tmp_path / "audit.jsonl")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = written(tmp_path_factory.mktemp("audit") / "audit.jsonl")
    return path, path.read_bytes()


def test_a_line_says_who_what_and_how_it_was_decided(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a.jsonl", KEY, clock=lambda: 1_800_000_000.25)
    event = AuditEvent(
        "settled",
        tool="create_call",
        principal="ann",
        account="61bf923e-5e4d-4595-a110-56190ea18a1b",
        decision="confirm",
        rule="risk spends",
        approval="form",
        evidence="token-1",
        risks=("spends",),
        arguments_digest=KEY.of_arguments("create_call", {"To": "+13125550100"}),
        outcome="ok",
        subject="+13125550100",
    )
    assert log.append(event, fsync=True) == 1
    (line,) = tail(log.path, 5)
    assert line["at"] == "2027-01-15T08:00:00.250Z"
    assert line["approval"] == {"kind": "form", "evidence": KEY.of("evidence", "token-1")}
    assert line["subject"] == "+1312***0100"
    assert line["account"] == event.account
    assert line["prev"] == "0" * 64
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600
    assert verify(log.path, KEY) == Verdict(True, 1)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_every_change_is_found_at_its_first_bad_line(whole: tuple[Path, bytes], data: st.DataObject) -> None:
    path, content = whole
    lines = content.splitlines(keepends=True)
    kind = data.draw(st.sampled_from(["edit", "insert", "remove", "delete", "swap", "double", "cut"]))
    at = data.draw(st.integers(0, len(content) - 1))
    first = content[:at].count(b"\n") + 1
    if kind == "edit":
        other = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
        changed = content[:at] + bytes([other]) + content[at + 1 :]
    elif kind == "insert":
        changed = content[:at] + bytes([data.draw(st.integers(0, 255))]) + content[at:]
    elif kind == "remove":
        changed = content[:at] + content[at + 1 :]
    elif kind == "delete":
        first = data.draw(st.integers(1, LINES))
        changed = b"".join(lines[: first - 1] + lines[first:])
    elif kind == "double":
        copied = data.draw(st.integers(1, LINES))
        first = copied + 1
        changed = b"".join(lines[:copied] + lines[copied - 1 :])
    elif kind == "swap":
        first, second = sorted(data.draw(st.permutations(range(1, LINES + 1)))[:2])
        moved = list(lines)
        moved[first - 1], moved[second - 1] = moved[second - 1], moved[first - 1]
        changed = b"".join(moved)
    else:
        changed = content[:at]
    path.write_bytes(changed)
    verdict = verify(path, KEY)
    assert (verdict.ok, verdict.first_bad_line) == (False, first), (kind, at, verdict)


def test_the_head_cannot_be_removed_or_forged(trail: Path) -> None:
    head = trail.with_name(trail.name + ".head")
    kept = head.read_bytes()
    assert verify(trail, KEY).ok
    assert not verify(trail, Digester(b"other" * 8)).ok
    head.unlink()
    assert verify(trail).first_bad_line == LINES + 1
    # Someone cuts the last line and writes a head that fits, without the key.
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:-1]))
    forged = json.loads(kept) | {"seq": LINES - 1, "hash": json.loads(lines[-2])["hash"]}
    head.write_text(json.dumps(forged))
    assert verify(trail).ok, "without the key this cannot be seen"
    assert not verify(trail, KEY).ok


def test_a_torn_line_is_told_of_and_the_chain_goes_on(trail: Path) -> None:
    with trail.open("ab") as file:
        file.write(b'{"seq":7,"event":"sen')
    assert verify(trail, KEY).first_bad_line == LINES + 1
    assert AuditLog(trail, KEY).append(AuditEvent("asked")) == LINES + 2
    assert [line["event"] for line in tail(trail, 2)] == ["torn_line", "asked"]
    assert verify(trail, KEY) == Verdict(True, LINES + 3, torn=1)
    trail.write_bytes(trail.read_bytes().replace(b'"sen\n', b'"xxx\n'))
    assert verify(trail, KEY).first_bad_line == LINES + 1, "what was torn stays as it was"


@pytest.mark.parametrize("ending", [b'{"seq":3,"event":"sen', b"\n", b"cut"])
def test_a_writer_that_goes_on_sees_what_was_done_to_its_end(ending: bytes, tmp_path: Path) -> None:
    """It need not read what it wrote itself, but must tell of another end as one that starts anew would."""
    path = tmp_path / "a.jsonl"
    going_on = AuditLog(path, KEY)
    for word in ("one", "two"):
        going_on.append(AuditEvent("asked", why=word))
    head = path.with_name(path.name + ".head")
    whole, claimed = path.read_bytes(), head.read_bytes()
    told: list[list[str]] = []
    for log in (going_on, AuditLog(path, KEY)):
        path.write_bytes(whole[:-20] if ending == b"cut" else whole + ending)
        head.write_bytes(claimed)
        log.append(AuditEvent("settled"))
        told.append([line["event"] for line in tail(path, 10)])
    assert told[0] == told[1]
    assert "torn_line" in told[0]


def test_two_that_write_in_turns_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    one, other = AuditLog(path, KEY), AuditLog(path, KEY)
    assert [each.append(AuditEvent("asked")) for each in (one, one, other, one, other, other)] == [
        *range(1, 7)
    ]
    assert verify(path, KEY) == Verdict(True, 6)
    path.with_name(path.name + ".head").unlink()
    path.unlink()  # moved away while both run: the next line begins a new chain
    assert [each.append(AuditEvent("asked")) for each in (other, one)] == [1, 2]
    assert verify(path, KEY) == Verdict(True, 2)


def test_a_first_line_that_is_torn_does_not_stop_the_trail(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"seq":1')
    AuditLog(tmp_path / "a.jsonl", KEY).append(AuditEvent("asked"))
    assert verify(tmp_path / "a.jsonl", KEY) == Verdict(True, 3, torn=1)


def test_lines_that_were_cut_off_stay_missing_after_the_next_append(trail: Path) -> None:
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:3]))
    AuditLog(trail, KEY).append(AuditEvent("asked"))
    verdict = verify(trail, KEY)
    assert (verdict.ok, verdict.first_bad_line) == (False, 4)
    assert str(LINES) in verdict.why


def test_a_file_that_cannot_be_continued_is_an_error_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"somebody's notes\nof two lines\n")
    with pytest.raises(AuditError):
        AuditLog(path, KEY).append(AuditEvent("asked"))
    assert path.read_bytes() == b"somebody's notes\nof two lines\n"


def test_no_room_or_no_right_is_an_error_and_leaves_no_half_line(trail: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "a.jsonl", tmp_path):
        with pytest.raises(AuditError):
            AuditLog(path, KEY).append(AuditEvent("asked"))
    before = trail.read_bytes()
    # A process that may write no further than ten bytes past the end: the write is cut short.
    limited = (
        "import resource, signal, sys\n"
        "from texml_mcp.gate.audit import *\nfrom texml_mcp.gate.store.digests import Digester\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 10},) * 2)\n"
        "try: AuditLog(sys.argv[1], Digester(b'k' * 32)).append(AuditEvent('asked'), fsync=True)\n"
        "except AuditError: sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", limited, str(trail)], timeout=60, check=False)
    assert done.returncode == 7
    assert trail.read_bytes() == before
    assert verify(trail, KEY).ok


def test_another_writer_that_never_ends_is_an_error(trail: Path) -> None:
    import fcntl

    with trail.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(AuditError):
            AuditLog(trail, KEY, busy_seconds=0.05).append(AuditEvent("asked"))


def test_four_processes_write_one_chain(tmp_path: Path) -> None:
    path, key = tmp_path / "audit.jsonl", tmp_path / "key"
    writer = (
        "import sys\nfrom pathlib import Path\n"
        "from texml_mcp.gate.audit import *\nfrom texml_mcp.gate.store.digests import load_key\n"
        "log = AuditLog(sys.argv[1], load_key(Path(sys.argv[2])), busy_seconds=30)\n"
        "for n in range(40): log.append(AuditEvent('settled', why=f'{sys.argv[3]} {n}'))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", writer, str(path), str(key), f"w{n}"]) for n in range(4)
    ]
    try:
        assert [each.wait(60) for each in running] == [0] * 4
    finally:
        for each in running:
            if each.poll() is None:
                each.kill()
                each.wait()
    assert verify(path, load_key(key)) == Verdict(True, 160), "and all four made one key between them"
    for n in range(4):
        own = [line["why"] for line in tail(path, 160) if line["why"].startswith(f"w{n} ")]
        assert own == [f"w{n} {m}" for m in range(40)]


CANARIES = ("+13125550142", "3125550142", "(312) 555-0142", "hunter2-canary", "token-canary")


def test_no_number_credential_or_token_is_in_any_file(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a.jsonl", KEY)
    words = "call +13125550142 or (312) 555-0142, sip:+13125550142@pbx.example, https://u:hunter2-canary@h/x"
    fields: dict[str, Any] = dict.fromkeys(
        ("event", "tool", "principal", "decision", "rule", "approval", "outcome", "subject", "why"), words
    )
    digest = KEY.of_arguments("create_call", {"To": CANARIES[0], "SipAuthPassword": CANARIES[3]})
    log.append(AuditEvent(**fields, evidence="token-canary", risks=(words,), arguments_digest=digest))
    for path in tmp_path.iterdir():
        content = path.read_text()
        assert [each for each in CANARIES if each in content] == []
    assert "+1312***0142" in log.path.read_text()


def test_third_party_words_stay_one_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "a.jsonl", KEY)
    log.append(AuditEvent("asked", subject='x"}\n{"seq":9}\x1b[31m\u202e' + "y" * 10_000))
    assert verify(log.path, KEY) == Verdict(True, 1)


def test_export_as_json_and_csv(trail: Path) -> None:
    AuditLog(trail, KEY).append(AuditEvent("asked", principal="=cmd()", risks=("spends", "interrupts")))
    assert json.loads("".join(export(trail, "json"))) == tail(trail, 100)
    rows = list(csv.DictReader("".join(export(trail, "csv")).splitlines()))
    assert len(rows) == LINES + 1
    assert (rows[-1]["principal"], rows[-1]["risks"]) == ("'=cmd()", "spends; interrupts")


def test_the_commands_say_where_it_is_broken(trail: Path, tmp_path: Path, capsys: Any) -> None:
    assert command.verify(trail, key=tmp_path / "none") == 0
    assert command.tail(trail, lines=2) == 0
    assert "+1312***0100" in capsys.readouterr().out
    trail.write_bytes(trail.read_bytes().replace(b"ok 2", b"ok 9"))
    assert command.verify(trail) == 1
    assert "line 3" in capsys.readouterr().err
    assert command.export(trail, format="csv") == 0
    assert command.verify(tmp_path / "missing") == 2


def test_digests_are_keyed_and_do_not_depend_on_spelling(tmp_path: Path) -> None:
    other = load_key(tmp_path / "state" / "key")
    assert KEY.of_number("+1 (312) 555-0100") == KEY.of_number("+13125550100")
    assert KEY.of_number("+13125550100") != other.of_number("+13125550100")
    assert KEY.of_arguments("t", {"a": 1, "b": 2}) == KEY.of_arguments("t", {"b": 2, "a": 1})
    again = load_key(tmp_path / "state" / "key")
    assert other.of("x") == again.of("x")
    assert os.listdir(tmp_path / "state") == ["key"]  # noqa: PTH208
    assert stat.S_IMODE((tmp_path / "state" / "key").stat().st_mode) == 0o600
    assert "***" in repr(other)
