"""A policy file that changes, breaks or vanishes while the server runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from texml_mcp.catalog import endpoint
from texml_mcp.gate.policy import Decision, PolicyError, PolicySource

ALLOWS = "version = 1\ntools.create_queue = 'allow'\ntools.list_calls = 'deny'\n"
DENIES = "version = 1\ntools.create_queue = 'deny'\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(ALLOWS)
    return path


def replace(path: Path, text: str) -> None:
    """A complete file renamed over the old one, as a deployment does it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def write(source: PolicySource) -> Decision:
    return source.decide(endpoint("create_queue"), {"FriendlyName": "q"})


def read(source: PolicySource, tool: str = "get_call") -> Decision:
    return source.decide(endpoint(tool), {})


def test_an_edit_counts_from_the_next_call_on(path: Path) -> None:
    source = PolicySource(path)
    assert write(source).action == "allow"
    replace(path, DENIES)
    assert write(source).action == "deny"
    replace(path, ALLOWS)
    assert write(source).action == "allow"


def test_an_edit_in_place_of_the_same_length_counts(path: Path) -> None:
    source = PolicySource(path)
    path.write_text(ALLOWS.replace("create_queue = 'allow'", "create_queue = 'deny' "))
    assert write(source).action == "deny"


def test_an_edit_that_keeps_the_files_time_counts(path: Path) -> None:
    source = PolicySource(path)
    seen = path.stat()
    path.write_text(ALLOWS.replace("create_queue = 'allow'", "create_queue = 'deny' "))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert write(source).action == "deny"


def test_an_old_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The file system's clock cannot be turned back for ctime, so the clock goes forward instead.
    now = path.stat().st_mtime + 3600
    monkeypatch.setattr("texml_mcp.gate.policy.watch.time.time", lambda: now)
    source = PolicySource(path)
    monkeypatch.setattr("texml_mcp.gate.policy.watch.read_text", lambda _: pytest.fail("was read"))
    assert write(source).action == "allow"


BREAKS = {
    "half written": "version = 1\n[tools]\ncreate_queue = 'al",
    "empty": "",
    "an unknown key": "version = 1\ntols = {}",
    "another version": "version = 2",
    "too large": "version = 1\n" + "#\n" * 200_000,
}


@pytest.mark.parametrize("text", BREAKS.values(), ids=BREAKS.keys())
def test_a_broken_file_denies_writes_until_it_is_mended(path: Path, text: str) -> None:
    source = PolicySource(path)
    replace(path, text)
    for _ in range(2):
        decision = write(source)
        assert (decision.action, decision.rule) == ("deny", "policy-failed")
        assert str(path) in decision.reason
    assert read(source).action == "allow"
    replace(path, ALLOWS)
    assert write(source).action == "allow"


def test_a_vanished_file_denies_writes_until_it_is_back(path: Path) -> None:
    source = PolicySource(path)
    path.unlink()
    decision = write(source)
    assert (decision.action, decision.rule) == ("deny", "policy-failed")
    assert str(path) in decision.reason
    assert "No such file" in decision.reason
    path.write_text(ALLOWS)
    assert write(source).action == "allow"


def test_reads_stay_under_the_last_valid_policy(path: Path) -> None:
    source = PolicySource(path)
    path.unlink()
    assert read(source).action == "allow"
    assert read(source, "list_calls").action == "deny"


def test_a_directory_in_place_of_the_file_denies_writes(path: Path) -> None:
    source = PolicySource(path)
    path.unlink()
    path.mkdir()
    assert write(source).rule == "policy-failed"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_denies_writes(path: Path) -> None:
    source = PolicySource(path)
    path.chmod(0)
    assert write(source).rule == "policy-failed"
    path.chmod(0o600)
    assert write(source).action == "allow"


def test_any_failure_of_the_reader_denies_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = PolicySource(path)

    def fails(_: str) -> str:
        raise MemoryError

    replace(path, DENIES)
    monkeypatch.setattr("texml_mcp.gate.policy.watch.read_text", fails)
    assert write(source).rule == "policy-failed"
    assert "MemoryError" in (source.refresh() or "")


def test_the_server_does_not_start_with_a_bad_file(path: Path) -> None:
    path.write_text("version = 1\ntols = {}")
    with pytest.raises(PolicyError, match="Unknown key"):
        PolicySource(path)
    path.unlink()
    with pytest.raises(PolicyError, match="cannot be read"):
        PolicySource(path)
