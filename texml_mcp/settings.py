"""Every option of the server, once: its environment variable, its flag, its default, its meaning.

The command line and the README's table are generated from these fields.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadError

LIVE_URL = "https://api.telnyx.com/v2"


class SettingsError(Exception):
    """Settings that the server must not start with; the text says what to do."""


def _telnyx(name: str, description: str) -> Any:
    return Field(default=None, validation_alias=name, description=description)


Names = Annotated[tuple[str, ...], NoDecode]
"""Words separated by commas, on the command line and in the environment."""


class Settings(BaseSettings):
    """Options in the order a reader asks for them. Flags are the field names with dashes."""

    model_config = SettingsConfigDict(
        env_prefix="TEXML_MCP_",
        extra="ignore",
        populate_by_name=True,
        frozen=True,
        hide_input_in_errors=True,  # an error about a key must not print it
    )

    api_key: SecretStr | None = _telnyx("TELNYX_API_KEY", "Telnyx API key (environment only)")
    account_sid: str | None = _telnyx(
        "TELNYX_ACCOUNT_SID", "Account used when a call names none (the organization id); not on the sandbox"
    )
    sandbox: bool = Field(False, description="Use the built-in telephone network instead of the live API")
    sandbox_speed: float = Field(
        1.0, gt=0, le=10_000, description="Seconds of sandbox time that pass in one real second"
    )
    base_url: str = Field(LIVE_URL, description="Root of the API")
    toolsets: Names = Field((), description="Offer only these toolsets, separated by commas")
    tools: Names = Field((), description="Offer only these tools, separated by commas")
    exclude_tools: Names = Field((), description="Never offer these tools, separated by commas")
    read_only: bool = Field(False, description="Offer only tools that change nothing")
    timeout_seconds: float = Field(30.0, gt=0, le=300, description="Longest wait for one answer of the API")
    read_retries: int = Field(3, ge=0, le=5, description="Times a read is tried again; a write never is")
    policy: str | None = Field(
        None,
        description="Policy file, or a shipped one: assistant (default when live), operations, evaluation, "
        "sandbox (default there)",
    )
    confirm: Literal["off", "token", "auto", "strict", "external"] = Field(
        "auto",
        description="How approval is asked where the policy does not say: auto, strict (only by form), "
        "token (never by form), external (by somebody else), off",
    )
    state_dir: Path | None = Field(
        None,
        description="Journal, approvals and audit trail; default: the user's state directory when live, "
        "memory alone on the sandbox",
    )
    secret_env: Names = Field(
        (), description="Environment variables that create_secret may read a value from, separated by commas"
    )
    principal: str = Field(
        "assistant", min_length=1, max_length=100, description="Who asks, in the audit trail"
    )
    confirm_seconds: float = Field(300.0, ge=10, le=3600, description="How long an approval can be used")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="Log level on stderr"
    )
    log_format: Literal["text", "json"] = Field("text", description="Log lines for people, or JSON objects")
    store: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="redis://... for approvals, budgets and journal that replicas share; default: SQLite in "
        "the state directory",
    )
    seal_keys: SecretStr | None = Field(
        None,
        description="Keys of 32 bytes in base64 that replicas share, separated by commas, the newest first "
        "(environment only)",
    )
    accounts_file: Path | None = Field(
        None, description="TOML file of the accounts that have API keys of their own"
    )
    http: bool = Field(False, description="Serve streamable HTTP at /mcp instead of stdio")
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on; one that is not loopback needs identities and allowed hosts",
    )
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    stateless: bool = Field(
        False, description="Keep no sessions, so that any replica answers; older clients confirm by token"
    )
    public_url: str | None = Field(
        None, description="Address under which clients and people reach the server, with https behind a proxy"
    )
    allowed_hosts: Names = Field(
        (), description="Host headers that are answered, separated by commas; name:* is any port"
    )
    allowed_origins: Names = Field((), description="Origin headers that are answered, separated by commas")
    tokens_file: Path | None = Field(
        None, description="Bearer tokens of those who may connect, made with texml-mcp tokens"
    )
    oauth_issuer: str | None = Field(None, description="Issuer whose JWTs are accepted as bearer tokens")
    oauth_audience: str | None = Field(
        None, description="Audience a JWT must have; default: the public URL with /mcp"
    )
    oauth_jwks_url: str | None = Field(
        None, description="Where the issuer's keys are; default: found through its metadata"
    )
    rate_per_minute: int | None = Field(
        None, ge=0, description="Tool calls a minute for one principal, 0: any; default: 300 over HTTP"
    )
    concurrency: int = Field(64, ge=1, le=10_000, description="Tool calls that run at once, over HTTP")
    request_seconds: float = Field(
        330.0, gt=0, le=3600, description="Longest time one HTTP request may take, a person's answer included"
    )
    metrics: bool = Field(False, description="Serve Prometheus metrics at /metrics (texml-mcp[prometheus])")
    trace_principals: bool = Field(
        False, description="Put the name of who asks on OpenTelemetry spans, beside its role"
    )
    plain_stdio: bool = Field(
        False, description="Load all of the MCP SDK and, over stdio, use its own transport, which is slower"
    )
    secrets_dir: Path | None = Field(
        None, description="Directory of files that hold one variable each and are named as it is"
    )

    @field_validator(
        *("toolsets", "tools", "exclude_tools", "secret_env", "allowed_hosts", "allowed_origins"),
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("account_sid", "secrets_dir", "state_dir", mode="before")
    @classmethod
    def _blank_is_none(cls, value: Any) -> Any:
        return value or None


class Given(Settings):
    """Settings that the environment has no say in: for a rehearsal that must come out alike everywhere."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: Any, init_settings: Any, *_: Any, **__: Any
    ) -> tuple[Any, ...]:
        return (init_settings,)


def load(**overrides: Any) -> Settings:
    """Settings from the environment, overridden by what the command line gave. Raises `SettingsError`."""
    given = {name: value for name, value in overrides.items() if value is not None}
    secrets = given.get("secrets_dir") or os.environ.get("TEXML_MCP_SECRETS_DIR") or None
    if secrets is not None and not Path(secrets).is_dir():
        raise SettingsError(f"The directory of secrets {secrets} does not exist.")
    try:
        return _made(Settings, _secrets_dir=secrets, **given)
    except (OSError, UnicodeDecodeError, UnreadError) as error:
        raise _unread(secrets, error) from None


def check(**flags: Any) -> None:
    """Raises `SettingsError` for flags that no server would take, whatever its environment says."""
    _made(Given, **{name: value for name, value in flags.items() if value is not None})


def _made(kind: type[Settings], **given: Any) -> Settings:
    from pydantic import ValidationError

    try:
        return kind(**given)
    except ValidationError as error:
        from texml_mcp.wording import complaint

        problems = [complaint(_named(problem["loc"]), problem["msg"]) for problem in error.errors()]
        raise SettingsError(f"{'; '.join(problems)}.") from None


def _named(place: tuple[int | str, ...]) -> str:
    """A setting by its flag and its variable: whichever was used is then recognised."""
    name = str(place[0])
    if name not in Settings.model_fields:
        return name  # one that has a variable of another kind is called by it
    return f"{flag_of(name)} (TEXML_MCP_{name.upper()})"


def flag_of(name: str) -> str:
    """How the command line spells a setting."""
    return f"--{name.replace('_', '-')}"


def _unread(secrets: Any, error: Exception) -> Exception:
    """What to tell of a file of secrets that is none; newer versions of the library wrap what happened."""
    match error.__cause__ if isinstance(error, UnreadError) else error:
        case OSError() as cause:
            return SettingsError(f"The secret {cause.filename} cannot be read: {cause.strerror}.")
        case UnicodeDecodeError():
            return SettingsError(f"A file in the directory of secrets {secrets} is not UTF-8 text.")
        case _:
            return error
