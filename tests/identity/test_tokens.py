"""A tokens file while the server runs: added to, revoked from, broken, gone, and put right again."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from texml_mcp.identity import Principal, editing
from texml_mcp.identity.entries import TokensError, parse, render
from texml_mcp.identity.tokens import TokenFile, mint
from texml_mcp.identity.verify import Identities

MARIA = Principal("maria", "approver", ("acc-1",), "operations")
BOB = Principal("Bob Ünal", "viewer")


def served(path: Path) -> Identities:
    return Identities(tokens=TokenFile(path))


async def test_a_token_proves_its_principal(path: Path) -> None:
    issued = editing.add(path, MARIA)
    other = editing.add(path, BOB)
    identities = served(path)
    proved = await identities.verify(issued.token)
    assert proved is not None
    assert (proved.principal, proved.token_id) == (MARIA, issued.entry.id)
    assert (proved.subject, proved.issuer, proved.expires_at) == ("maria", None, None)
    bob = await identities.verify(other.token)
    assert bob is not None
    assert bob.principal == BOB


async def test_the_file_holds_no_token_and_is_its_owners_alone(path: Path) -> None:
    issued = editing.add(path / "deeper" / "tokens.toml", MARIA)
    file = path / "deeper" / "tokens.toml"
    secret = issued.token.removeprefix(issued.entry.id + "_")
    assert len(secret) >= 43
    for each in file.parent.iterdir():
        assert secret not in each.read_text()
        assert each.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_tokens_differ() -> None:
    assert len({part for _ in range(200) for part in mint()}) == 400


async def test_whoever_is_added_or_revoked_is_so_at_the_next_request(path: Path) -> None:
    maria = editing.add(path, MARIA)
    identities = served(path)
    assert await identities.verify(maria.token) is not None
    bob = editing.add(path, BOB)
    assert await identities.verify(bob.token) is not None
    editing.revoke(path, "maria")
    assert await identities.verify(maria.token) is None
    assert await identities.verify(bob.token) is not None


async def test_an_edit_in_place_counts_at_the_next_request(path: Path) -> None:
    maria = editing.add(path, MARIA)
    identities = served(path)
    # Another hash of the same length, at the same time: neither size nor time tells.
    seen = path.stat()
    path.write_text(path.read_text().replace(maria.entry.hash, "sha256:" + "0" * 64))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert await identities.verify(maria.token) is None


async def test_edits_within_one_tick_of_the_clock_count(path: Path) -> None:
    maria = editing.add(path, MARIA)
    identities = served(path)
    good = path.read_text()
    bad = good.replace(maria.entry.hash, "sha256:" + "0" * 64)
    for _ in range(50):
        path.write_text(bad)
        assert await identities.verify(maria.token) is None
        path.write_text(good)
        assert await identities.verify(maria.token) is not None


def wrong_tokens(token: str) -> list[str]:
    id, secret = token[:12], token[13:]
    flipped = "A" if secret[-1] != "A" else "B"
    return [
        id,
        f"{id}_",
        f"{id}_{secret[:-1]}",
        f"{id}_{secret[:-1]}{flipped}",
        f"{token}x",
        f" {token}",
        f"{token}\n",
        token.upper(),
        f"txm_aaaaaaaa_{secret}",
        f"txm_{'é' * 8}_{secret}",
        token.removeprefix("txm_"),
        "txm_",
        "",
        "txm_" + "\ud800" * 50,
        "txm_" + "a" * 1_000_000,
    ]


async def test_nothing_but_the_whole_token_is_taken(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    issued = editing.add(path, MARIA)
    identities = served(path)
    for wrong in wrong_tokens(issued.token):
        assert await identities.verify(wrong) is None, wrong[:60]
    assert issued.token[13:-1] not in caplog.text
    assert await identities.verify(issued.token) is not None


async def test_the_hash_is_no_token(path: Path) -> None:
    issued = editing.add(path, MARIA)
    assert await served(path).verify(f"{issued.entry.id}_{issued.entry.hash[-43:]}") is None
    assert await served(path).verify(issued.entry.hash) is None


async def test_a_token_ends_when_its_time_is_over(path: Path) -> None:
    issued = editing.add(path, MARIA, lifetime=timedelta(hours=1))
    identities = served(path)
    proved = await identities.verify(issued.token)
    assert proved is not None
    assert issued.entry.expires is not None
    assert proved.expires_at == int(issued.entry.expires.timestamp())
    past = issued.entry.expires - timedelta(hours=2)
    path.write_text(path.read_text().replace(f"{issued.entry.expires:%Y-%m-%dT%H}", f"{past:%Y-%m-%dT%H}"))
    assert await identities.verify(issued.token) is None


async def test_rotation_leaves_the_old_token_its_overlap(path: Path) -> None:
    old = editing.add(path, MARIA, lifetime=timedelta(days=90))
    new = editing.rotate(path, "maria", lifetime=None, overlap=timedelta(days=1))
    identities = served(path)
    for token in (old.token, new.token):
        proved = await identities.verify(token)
        assert proved is not None
        assert proved.principal == MARIA
    entries = {entry.id: entry for entry in editing.listed(path)}
    assert entries[new.entry.id].expires == new.entry.created + timedelta(days=90)
    assert entries[old.entry.id].expires == new.entry.created + timedelta(days=1)

    newest = editing.rotate(path, "MARIA", lifetime=None, overlap=timedelta(0))
    assert await identities.verify(old.token) is None
    assert await identities.verify(new.token) is None
    assert await identities.verify(newest.token) is not None
    assert [entry.expires for entry in editing.listed(path)] == [newest.entry.created + timedelta(days=90)]


def test_rotation_never_makes_an_old_token_live_longer(path: Path) -> None:
    old = editing.add(path, MARIA, lifetime=timedelta(hours=1))
    editing.rotate(path, "maria", lifetime=timedelta(days=9), overlap=timedelta(days=5))
    assert editing.listed(path)[0].expires == old.entry.expires


@pytest.mark.parametrize("name", ["maria", "Maria", "MARIA"])
def test_a_name_is_taken_in_every_spelling(path: Path, name: str) -> None:
    editing.add(path, MARIA)
    with pytest.raises(TokensError, match="tokens rotate"):
        editing.add(path, Principal(name, "admin"))
    assert [entry.principal for entry in editing.listed(path)] == [MARIA]


def test_a_leaked_token_is_revoked_by_pasting_it(path: Path) -> None:
    issued = editing.add(path, MARIA)
    editing.add(path, BOB)
    assert editing.revoke(path, issued.token) == (issued.entry,)
    with pytest.raises(TokensError, match="tokens list"):
        editing.revoke(path, "txm_")
    assert [entry.principal for entry in editing.listed(path)] == [BOB]


def garbage(path: Path) -> None:
    path.write_bytes(b"\xff\x00\x1b")


def half(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def stranger(path: Path) -> None:
    path.write_text(path.read_text().replace('role = "approver"', 'role = "approver"\nadmin = true'))


def writable(path: Path) -> None:
    path.write_text(render(()))
    path.chmod(0o622)


def huge(path: Path) -> None:
    path.write_text("# " + "x" * 2_000_000)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("breaks", [garbage, half, stranger, writable, huge, pipe, directory])
async def test_a_broken_edit_keeps_the_last_good_file_and_is_logged_once(
    path: Path, caplog: pytest.LogCaptureFixture, breaks: Callable[[Path], None]
) -> None:
    maria = editing.add(path, MARIA)
    good = path.read_text()
    identities = served(path)
    breaks(path)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert await identities.verify(maria.token) is not None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert str(path) in caplog.text
    with pytest.raises(TokensError):
        TokenFile(path)

    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_text(good)
    path.chmod(0o600)
    editing.revoke(path, "maria")
    assert await identities.verify(maria.token) is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
async def test_an_unreadable_file_keeps_the_last_good_one(path: Path) -> None:
    maria = editing.add(path, MARIA)
    identities = served(path)
    path.chmod(0)
    assert await identities.verify(maria.token) is not None
    path.chmod(0o600)
    editing.revoke(path, "maria")
    assert await identities.verify(maria.token) is None


async def test_a_file_that_is_gone_lets_nobody_in_until_it_is_back(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    maria = editing.add(path, MARIA)
    aside = path.with_suffix(".aside")
    tokens = TokenFile(path)
    identities = Identities(tokens=tokens)
    path.rename(aside)
    for _ in range(2):
        assert await identities.verify(maria.token) is None
    assert "is gone" in caplog.text
    garbage(path)
    assert await identities.verify(maria.token) is None
    aside.rename(path)
    assert await identities.verify(maria.token) is not None
    assert tokens.refresh() is None


async def test_an_old_unchanged_file_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maria = editing.add(path, MARIA)
    # The file system's clock cannot be turned back for ctime, so the clock goes forward instead.
    later = path.stat().st_ctime + 3600
    monkeypatch.setattr("texml_mcp.identity.tokens.time.time", lambda: later)
    identities = served(path)
    monkeypatch.setattr("texml_mcp.identity.tokens.read", lambda _: pytest.fail("was read"))
    assert await identities.verify(maria.token) is not None


def test_a_missing_file_stops_the_start(path: Path) -> None:
    with pytest.raises(TokensError, match="tokens add"):
        TokenFile(path)


def test_a_link_is_followed_and_stays_a_link(path: Path) -> None:
    real = path.with_name("real.toml")
    editing.add(real, MARIA)
    path.symlink_to(real)
    editing.add(path, BOB)
    assert path.is_symlink()
    assert len(editing.listed(real)) == 2
    loop = path.with_name("loop.toml")
    loop.symlink_to(loop)
    with pytest.raises(TokensError):
        editing.add(loop, BOB)


def test_a_file_that_the_servers_group_reads_stays_so(path: Path) -> None:
    editing.add(path, MARIA)
    path.chmod(0o640)
    editing.add(path, BOB)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_not_understood_is_not_changed(path: Path) -> None:
    path.write_text("version = 2\n")
    path.chmod(0o600)
    for change in (
        lambda: editing.add(path, MARIA),
        lambda: editing.rotate(path, "maria", lifetime=None, overlap=timedelta(0)),
        lambda: editing.revoke(path, "maria"),
    ):
        with pytest.raises(TokensError, match="version = 1"):
            change()
    assert path.read_text() == "version = 2\n"


def test_a_change_to_no_file_makes_none(path: Path) -> None:
    deep = path / "a" / "tokens.toml"
    with pytest.raises(TokensError, match="does not exist"):
        editing.revoke(deep, "maria")
    assert not path.exists()


def test_a_killed_writer_leaves_no_lock_and_no_half_file(path: Path) -> None:
    editing.add(path, MARIA)
    before = path.read_text()
    child = os.fork()
    if child == 0:
        from texml_mcp.identity import files

        with files.locked(path):
            path.with_name(f".{path.name}.left.new").write_text("version")
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert path.read_text() == before
    editing.add(path, BOB)
    assert len(editing.listed(path)) == 2


VALID = """version = 1
[[tokens]]
id = "txm_abcdefgh"
name = "maria"
role = "viewer"
hash = "sha256:{hash}"
created = 2026-01-01T00:00:00Z
""".format(hash="a" * 64)
SECOND = VALID.removeprefix("version = 1\n").replace("abcdefgh", "cccccccc").replace("a" * 64, "b" * 64)

BAD = {
    "no version": (VALID.replace("version = 1\n", ""), "version = 1"),
    "a version that is true": (VALID.replace("version = 1", "version = true"), "version = 1"),
    "an unknown key": (VALID + "rol = 1", r"token 1: unknown key 'rol'.*Valid: id, name"),
    "an unknown key of the file": ("users = 1\n" + VALID, "unknown key 'users'"),
    "tokens in one table": ("version = 1\ntokens = {}", r"\[\[tokens\]\]"),
    "a token that is a number": ("version = 1\ntokens = [1]", "not a table"),
    "no name": (VALID.replace('name = "maria"\n', ""), "name is missing"),
    "a name that is a number": (VALID.replace('"maria"', "7"), "name is not text"),
    "a name that turns around": (VALID.replace("maria", "ma\\u202eria"), "direction characters"),
    "an unknown role": (VALID.replace("viewer", "boss"), "Valid: viewer, operator, approver, admin"),
    "a role that is a list": (VALID.replace('"viewer"', '["viewer"]'), "Unknown role"),
    "no account": (VALID + "accounts = []", "leave it out"),
    "accounts that are text": (VALID + 'accounts = "a"', "leave it out"),
    "an account that is a table": (VALID + "accounts = [{}]", "not text"),
    "an account that is a path": (VALID + 'accounts = ["a/b"]', "not an account SID"),
    "a relative policy": (VALID + 'policy = "mine/p.toml"', "absolute"),
    "a policy that is a number": (VALID + "policy = 1", "policy 1"),
    "a hash of another kind": (VALID.replace("sha256", "md5"), "sha256"),
    "a short hash": (VALID.replace("a" * 64, "a" * 63), "64"),
    "an id of another kind": (VALID.replace("txm_abcdefgh", "maria"), "id is not"),
    "a time that is text": (VALID.replace("2026-01-01T00:00:00Z", '"now"'), "created is not a time"),
    "a time without a zone": (VALID.replace("00Z", "00"), "zone"),
    "a time before all time": (VALID + "expires = 0001-01-01T00:00:00+14:00", "out of range"),
    "the same token twice": (VALID + SECOND.replace("cccccccc", "abcdefgh"), "twice"),
    "the same hash twice": (VALID + SECOND.replace("b" * 64, "a" * 64), "twice"),
    "two spellings of a name": (VALID + SECOND.replace("maria", "Maria"), "taken for one"),
    "one name with two roles": (VALID + SECOND.replace("viewer", "admin"), "differ in role"),
    "thousands of brackets": ("version = 1\nx = " + "[" * 3000, "nested|TOML"),
    "thousands of digits": ("version = 1\nx = " + "1" * 9000, "too long"),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_not_understood_is_refused(text: str, says: str) -> None:
    assert parse(VALID + SECOND)
    with pytest.raises(TokensError, match=says):
        parse(text)


def test_a_token_pasted_in_place_of_its_hash_is_not_repeated() -> None:
    _, token = mint()
    for text in (VALID.replace("sha256:" + "a" * 64, token), VALID.replace("txm_abcdefgh", token)):
        with pytest.raises(TokensError) as refusal:
            parse(text)
        assert token[13:20] not in str(refusal.value)


def test_an_expiry_is_compared_in_its_own_zone() -> None:
    (entry,) = parse(VALID + "expires = 2030-01-01T02:00:00+02:00")
    assert entry.expires == datetime(2030, 1, 1, tzinfo=UTC)
