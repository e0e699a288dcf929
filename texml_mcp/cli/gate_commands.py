"""The commands around the gate: policy, approvals, journal, audit trail, panic."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from texml_mcp.cli import completing
from texml_mcp.cli.output import USAGE, wrong_use

if TYPE_CHECKING:
    from texml_mcp.client import Upstream
    from texml_mcp.gate.state import State

policy = typer.Typer(help="What may run, what asks first, and what never runs.", no_args_is_help=True)
approvals = typer.Typer(help="Calls that wait for somebody's yes.", no_args_is_help=True)
audit = typer.Typer(help="The trail of every decision.", no_args_is_help=True)
journal = typer.Typer(help="Writes, and what became of them.", no_args_is_help=True)

StateDir = Annotated[
    Path | None, typer.Option("--state-dir", help="Default: TEXML_MCP_STATE_DIR, or the user's own.")
]
Store = Annotated[str | None, typer.Option("--store", help="Default: TEXML_MCP_STORE.")]
AsJson = Annotated[bool, typer.Option("--json", help="For another program.")]
Sandbox = Annotated[bool, typer.Option("--sandbox", help="On the built-in sandbox.")]


def directory(given: Path | None) -> Path:
    """The state directory that a server of this user has."""
    from texml_mcp.server.services import usual_directory
    from texml_mcp.settings import SettingsError, load

    try:
        return given or load().state_dir or usual_directory()
    except SettingsError as error:
        raise typer.Exit(wrong_use(str(error))) from None


def state(given: Path | None, store: str | None) -> State:
    """The state that a server of this user has: its directory, and the store that it shares."""
    from texml_mcp.server.services import kept_in
    from texml_mcp.settings import SettingsError, load

    try:
        return kept_in(load(store=store), directory(given))
    except SettingsError as error:
        raise typer.Exit(wrong_use(str(error))) from None


@policy.command("check")
def policy_check(file: str, as_json: AsJson = False) -> None:
    """Say whether a policy file can be used, and where it cannot."""
    from texml_mcp.cli.policy import check

    raise typer.Exit(check(file, as_json=as_json))


@policy.command("explain")
def policy_explain(
    tool: Annotated[str, typer.Argument(autocompletion=completing.tools)],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="K=V", autocompletion=completing.arguments)
    ] = None,
    policy_name: Annotated[
        str | None,
        typer.Option("--policy", help="A file or a shipped policy.", autocompletion=completing.policies),
    ] = None,
    sandbox: Sandbox = False,
    as_json: AsJson = False,
) -> None:
    """Say what policy and guards think of one call, without sending it."""
    from texml_mcp.cli.policy import explain
    from texml_mcp.server.services import build_state, is_live, policy_of
    from texml_mcp.settings import SettingsError, load

    try:
        settings = load(sandbox=sandbox or None)
        kept = build_state(settings)
    except SettingsError as error:
        raise typer.Exit(wrong_use(str(error))) from None
    code = explain(
        tool,
        arguments or [],
        policy_name or policy_of(settings),
        mode=settings.confirm,
        live=is_live(settings),
        state=kept,
        as_json=as_json,
    )
    raise typer.Exit(code)


@policy.command("show")
def policy_show(
    name: Annotated[str | None, typer.Argument(autocompletion=completing.policies)] = None,
    as_json: AsJson = False,
) -> None:
    """Print a policy: a file, a shipped one, or the built-in defaults."""
    from texml_mcp.cli.policy import show

    raise typer.Exit(show(name, as_json=as_json))


@approvals.command("list")
def approvals_list(state_dir: StateDir = None, store: Store = None, as_json: AsJson = False) -> None:
    """What waits, the oldest first."""
    from texml_mcp.cli.approvals import listed

    raise typer.Exit(listed(state(state_dir, store), as_json=as_json))


@approvals.command("show")
def approvals_show(id: str, state_dir: StateDir = None, store: Store = None, as_json: AsJson = False) -> None:
    """One request, whole."""
    from texml_mcp.cli.approvals import show

    raise typer.Exit(show(state(state_dir, store), id, as_json=as_json))


By = Annotated[str | None, typer.Option("--as", help="Who settles it; default: this user.")]
Reason = Annotated[str, typer.Option("--reason", help="Told to whoever asked.")]


@approvals.command("approve")
def approvals_approve(
    id: str,
    by: By = None,
    reason: Reason = "",
    state_dir: StateDir = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Let one call run, once, as it was seen when it was asked about."""
    from texml_mcp.cli.approvals import settle

    kept = state(state_dir, store)
    raise typer.Exit(settle(kept, id, approve=True, by=by, reason=reason, as_json=as_json))


@approvals.command("deny")
def approvals_deny(
    id: str,
    by: By = None,
    reason: Reason = "",
    state_dir: StateDir = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Refuse one call."""
    from texml_mcp.cli.approvals import settle

    raise typer.Exit(
        settle(state(state_dir, store), id, approve=False, by=by, reason=reason, as_json=as_json)
    )


@audit.command("tail")
def audit_tail(
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, max=10_000, help="How many.")] = 20,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """The newest decisions."""
    from texml_mcp.cli.audit import tail
    from texml_mcp.gate.state import AUDIT_FILE

    raise typer.Exit(tail(directory(state_dir) / AUDIT_FILE, lines=lines, as_json=as_json))


@audit.command("verify")
def audit_verify(state_dir: StateDir = None, store: Store = None, as_json: AsJson = False) -> None:
    """Prove that no line was changed, removed or added; exit 1 with the first bad one."""
    from texml_mcp.cli.audit import verify
    from texml_mcp.gate.state import AUDIT_FILE, KEY_FILE

    where = directory(state_dir)
    kept = state(state_dir, store)
    shared = (lambda: kept.digester) if kept.shared else None
    raise typer.Exit(verify(where / AUDIT_FILE, key=where / KEY_FILE, shared=shared, as_json=as_json))


@audit.command("export")
def audit_export(
    format: Annotated[Literal["json", "csv"], typer.Option("--format")] = "json", state_dir: StateDir = None
) -> None:
    """Every line, for another program."""
    from texml_mcp.cli.audit import export
    from texml_mcp.gate.state import AUDIT_FILE

    raise typer.Exit(export(directory(state_dir) / AUDIT_FILE, format=format))


@journal.command("show")
def journal_show(
    lines: Annotated[int, typer.Option("-n", "--lines", min=1, max=10_000, help="How many.")] = 20,
    state_dir: StateDir = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Open writes, then the newest settled ones."""
    from texml_mcp.cli.journal import show

    raise typer.Exit(show(state(state_dir, store), lines=lines, as_json=as_json))


@journal.command("reconcile")
def journal_reconcile(
    older_than: Annotated[
        float | None,
        typer.Option(
            "--older-than",
            min=0,
            help="Leave out writes begun fewer seconds ago, which may still be on their way. Default: 30, or "
            "the longest wait for an answer where that is more.",
        ),
    ] = None,
    state_dir: StateDir = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Settle open writes by reading the API: happened, did not, or cannot be told."""
    from texml_mcp.cli.journal import reconcile
    from texml_mcp.gate.journal import ApiReader
    from texml_mcp.gate.journal.look import LAG_SECONDS
    from texml_mcp.settings import load

    reader = ApiReader(_upstreams("No write was looked up"))
    if older_than is None:
        older_than = max(LAG_SECONDS, load().timeout_seconds)
    kept = state(state_dir, store)
    raise typer.Exit(
        reconcile(
            kept.journal, reader, kept.digester, older_than=older_than, ahead=reader.ahead, as_json=as_json
        )
    )


def _upstreams(undone: str) -> Callable[[str], Upstream]:
    """The way to the API for each account, as a server of this user has it; else what is undone is told."""
    from texml_mcp.accounts import Accounts, UnknownAccountError
    from texml_mcp.client import ErrorCode, UpstreamError
    from texml_mcp.server.services import build_accounts
    from texml_mcp.settings import SettingsError, load

    try:
        upstream, accounts = build_accounts(load())
    except SettingsError as error:
        raise typer.Exit(wrong_use(f"{undone}. {error}")) from None
    known = accounts or Accounts(upstream)

    def upstream_of(account: str) -> Upstream:
        try:
            return known.upstream(account)
        except UnknownAccountError as error:
            raise UpstreamError(ErrorCode.INVALID_ARGUMENT, str(error), "not_sent") from None

    return upstream_of


def lint(
    file: Annotated[str, typer.Argument(help="A file, or - for stdin.")], as_json: AsJson = False
) -> None:
    """Check a TeXML document: findings as FILE:LINE:COLUMN, exit 1 on errors."""
    from texml_mcp.cli.lint import run

    raise typer.Exit(run(file, as_json=as_json))


def panic(
    hang_up: Annotated[bool, typer.Option("--hang-up", help="Also end the calls started from here.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Let writes run again.")] = False,
    state_dir: StateDir = None,
    store: Store = None,
) -> None:
    """Stop every write of every server on this state directory and on the shared store, until cleared."""
    from texml_mcp.cli import panic as commands

    if clear:
        raise typer.Exit(commands.clear(state(state_dir, store)))
    code = commands.engage(directory(state_dir), state_dir)
    kept = state(state_dir, store)
    if kept.shared:
        code = max(code, commands.engage_everywhere(kept))
    if hang_up and code != USAGE:
        code = max(code, commands.hang_up(kept, _upstreams("No call was hung up")))
    raise typer.Exit(code)


def add_to(app: typer.Typer) -> None:
    """Put these commands into the command line."""
    app.add_typer(policy, name="policy")
    app.add_typer(approvals, name="approvals")
    app.add_typer(journal, name="journal")
    app.add_typer(audit, name="audit")
    app.command()(lint)
    app.command()(panic)
