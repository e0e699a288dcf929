"""From settings to a working pipeline."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from texml_mcp.accounts import Accounts, AccountsError, load_accounts
from texml_mcp.client import Upstream
from texml_mcp.execute import Services
from texml_mcp.gate.approvals import Approvals
from texml_mcp.gate.confirm import Confirmer
from texml_mcp.gate.external import Queue
from texml_mcp.gate.observe import utc_now
from texml_mcp.gate.rate import RateLimit
from texml_mcp.gate.records import Records
from texml_mcp.gate.ruling import Judge, is_shipped
from texml_mcp.gate.state import State, default_directory
from texml_mcp.settings import Settings, SettingsError
from texml_mcp.tools.offer import UnknownNameError, offered

if TYPE_CHECKING:
    from datetime import datetime

CALLS_PER_MINUTE = 300
SANDBOX_KEY = "sandbox"
SANDBOX_URL = "http://sandbox.invalid/v2"  # never resolved: the sandbox is called in-process
SANDBOX_ACCOUNT = "61bf923e-5e4d-4595-a110-56190ea18a1b"


def build_services(
    settings: Settings,
    state: State | None = None,
    *,
    upstream: Upstream | None = None,
    now: Callable[[], datetime] | None = None,
) -> Services:
    """Everything one server needs. Raises `SettingsError` when it must not start.

    `upstream` stands in for the way out that the settings describe, and `now` for the time of day that rules
    and guards go by: a rehearsal has both of its own.
    """
    try:
        names = offered(
            toolsets=settings.toolsets,
            tools=settings.tools,
            exclude=settings.exclude_tools,
            read_only=settings.read_only,
        )
    except UnknownNameError as error:
        raise SettingsError(str(error)) from None
    if state is None:
        state = build_state(settings) if now is None else State(None, clock=lambda: now().timestamp())
    account_sid = settings.account_sid
    if settings.sandbox and (upstream is None or account_sid is None):
        account_sid = SANDBOX_ACCOUNT  # there is no other: the environment may name the one of the live API
    upstream, accounts = build_accounts(settings) if upstream is None else (upstream, None)
    if accounts is not None:
        account_sid = account_sid or accounts.sids[0]
        if account_sid not in accounts.sids:
            raise SettingsError(
                f"The account {account_sid} is not in the file of accounts; there are "
                f"{', '.join(accounts.sids)}."
            )
    return Services(
        upstream=upstream,
        offered=frozenset(names),
        account_sid=account_sid,
        accounts=accounts,
        key_account=account_sid,
        judge=build_judge(settings, state, now),
        confirmer=Confirmer(
            Approvals(state, settings.confirm_seconds),
            Queue(state),
            patience=settings.confirm_seconds,
            page=pages_of(settings),
        ),
        records=Records(state),
        principal=settings.principal,
        rate=build_rate(settings, state),
        secret_env=frozenset(settings.secret_env),
        now=now or utc_now,
    )


def pages_of(settings: Settings) -> Callable[[str], str] | None:
    """Where a request for approval is looked at in a browser; None where no pages are served."""
    if not settings.http:
        return None
    from texml_mcp.server.http.addresses import has_identities, written  # a server on stdio has no need

    if not has_identities(settings):
        return None
    here = f"http://{written(settings.host, settings.port)}" if settings.port else ""
    base = settings.public_url or here
    if not base:
        return None
    from texml_mcp.server.pages import approval_url

    return partial(approval_url, base)


def build_rate(settings: Settings, state: State) -> RateLimit | None:
    """How fast a principal may call; on stdio, where one client has a process of its own, as it likes."""
    per_minute = settings.rate_per_minute
    if per_minute is None:
        per_minute = CALLS_PER_MINUTE if settings.http else 0
    return RateLimit(state, per_minute) if per_minute else None


def build_judge(settings: Settings, state: State, now: Callable[[], datetime] | None = None) -> Judge:
    """The policy and the guards. Raises `SettingsError` for a policy that must not be started with."""
    name = policy_of(settings)
    build = partial(
        Judge, name, live=is_live(settings), mode=settings.confirm, state=state, now=now or utc_now
    )
    if is_shipped(name):
        return build()
    from texml_mcp.gate.policy import PolicyError

    try:
        return build()
    except PolicyError as error:
        raise SettingsError(f"The policy cannot be used: {error}") from None


def policy_of(settings: Settings) -> str:
    """The policy that a server with these settings goes by: a file, or the name of a shipped one."""
    return settings.policy or ("assistant" if is_live(settings) else "sandbox")


def build_state(settings: Settings) -> State:
    """Where the gate keeps its records: on the sandbox nowhere, unless a directory or a store is named.

    Raises `SettingsError` when a store that is named cannot be used.
    """
    return kept_in(settings, settings.state_dir or (usual_directory() if is_live(settings) else None))


def usual_directory() -> Path:
    """Where this user's records are kept by default. Raises `SettingsError` for a user without a home."""
    try:
        return default_directory()
    except RuntimeError:
        raise SettingsError(
            "This user has no home directory to keep records in. Name a directory with --state-dir or "
            "TEXML_MCP_STATE_DIR."
        ) from None


def kept_in(settings: Settings, directory: Path | None) -> State:
    """The records in a directory and, where one is named, in a store, which is opened now.

    Raises `SettingsError` when it cannot be used.
    """
    from texml_mcp.gate.store.files import obstacle

    if directory is not None and (why := obstacle(directory)):
        # Every write would be refused, one by one, each with less to go by.
        raise SettingsError(
            f"The state directory {directory} {why}. Name another with --state-dir or TEXML_MCP_STATE_DIR."
        )
    if settings.store is None:
        return State(directory)
    from texml_mcp.gate.seal import MAKE_ONE, SealError, parse_keys
    from texml_mcp.gate.store import StoreError
    from texml_mcp.gate.store.redis_link import is_redis

    if not is_redis(settings.store):
        raise SettingsError(
            "TEXML_MCP_STORE must be a redis://, rediss:// or unix:// address; a directory for this machine "
            "alone is TEXML_MCP_STATE_DIR."
        )
    keys = settings.seal_keys.get_secret_value() if settings.seal_keys else ""
    if not keys.strip():
        raise SettingsError(
            "A shared store needs seal keys, the same for every server on it. Set TEXML_MCP_SEAL_KEYS to "
            f"what this prints: {MAKE_ONE}"
        )
    try:
        state = State(directory, settings.store, parse_keys(keys))
        state.open()
    except SealError as error:
        raise SettingsError(f"TEXML_MCP_SEAL_KEYS cannot be used: {error}.") from None
    except StoreError as error:
        raise SettingsError(
            f"The store cannot be used: {error}. Start Redis or correct TEXML_MCP_STORE. Nothing was sent."
        ) from None
    return state


def is_live(settings: Settings) -> bool:
    """Whether people can be rung: not on the built-in sandbox, nor on one that is reached by its key."""
    if settings.accounts_file is not None:
        from urllib.parse import urlsplit

        from texml_mcp.client.sides import is_sandbox

        # Each key of the file fits its address, or the server does not start: the address tells.
        return not is_sandbox(urlsplit(settings.base_url).hostname or "")
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    return not settings.sandbox and not key.startswith(SANDBOX_KEY)


def build_accounts(settings: Settings) -> tuple[Upstream, Accounts | None]:
    """The way to the API of the default account, and the accounts when there are several."""
    if settings.accounts_file is None:
        return build_upstream(settings), None
    if settings.sandbox:
        raise SettingsError(
            "--accounts-file is for accounts of an API: with --sandbox there is one account. Serve the "
            "sandbox on a port and name it in --base-url to rehearse with several."
        )
    try:
        known = load_accounts(settings.accounts_file, lambda key: _upstream(settings, key))
    except AccountsError as error:
        raise SettingsError(f"The accounts cannot be used: {error}.") from None
    default = known.get(settings.account_sid or "") or next(iter(known.values()))
    return default.upstream, Accounts(None, known)


def build_upstream(settings: Settings) -> Upstream:
    """The live API, or the sandbox inside this process."""
    if settings.sandbox:
        from texml_mcp.server.sandboxed import InProcess

        return Upstream(
            SANDBOX_KEY,
            base_url=SANDBOX_URL,
            timeout=settings.timeout_seconds,
            transport=cast("Any", InProcess(settings.sandbox_speed)),  # by its methods, not by its base
        )
    if settings.api_key is None or not settings.api_key.get_secret_value().strip():
        raise SettingsError(
            "No API key. Set TELNYX_API_KEY for the live API, or start with --sandbox to try everything "
            "without an account."
        )
    refuse_placeholders(settings)
    try:
        upstream = _upstream(settings, settings.api_key.get_secret_value())
    except ValueError as error:
        raise SettingsError(f"Cannot start: {error}.") from None
    if refused := upstream.refusal():
        raise SettingsError(refused.summary)
    return upstream


def refuse_placeholders(settings: Settings) -> None:
    """Raises `SettingsError` when a value is what an example shows, or what a host should have filled in."""
    from texml_mcp.placeholders import is_placeholder

    key = settings.api_key.get_secret_value().strip() if settings.api_key else ""
    for name, value in (("TELNYX_API_KEY", key), ("TELNYX_ACCOUNT_SID", settings.account_sid or "")):
        if is_placeholder(value):
            raise SettingsError(
                f"{name} is still the placeholder {value!r}. Put the real value there, or start with "
                "--sandbox to try everything without an account."
            )


def _upstream(settings: Settings, key: str) -> Upstream:
    # As many as calls may run at once: a queue inside the client would look like a slow API.
    connections = settings.concurrency if settings.http else 20
    return Upstream(
        key,
        base_url=settings.base_url,
        timeout=settings.timeout_seconds,
        max_retries=settings.read_retries,
        max_connections=connections,
        max_keepalive=connections,
    )
