"""Secrets: values that TeXML may use by name. Write-only."""

from __future__ import annotations

from texml_mcp.catalog.model import Effect, Endpoint, Field, Kind, Param, Risk, RiskClass, Shape

SECRET = Shape("secret", (Field("name"), Field("value", enum=("REDACTED",))))

CREATE_SECRET = Endpoint(
    "create_secret",
    "Store a TeXML secret",
    "POST",
    "/texml/secrets",
    "secrets",
    "Store a value for {{name}} in TeXML. Replaces one of that name; never readable again.",
    effect=Effect.CREATE,
    shape=SECRET,
    body="json",
    success=201,
    envelope="data",
    body_params=(
        Param("name", required=True),
        Param("value", kind=Kind.SECRET, required=True),
    ),
    risks=(
        Risk(RiskClass.EXPOSES, "the secret passes through this conversation"),
        Risk(RiskClass.DESTROYS, "a secret of the same name is overwritten"),
    ),
    idempotent=True,
    errors=(422,),
)

ENDPOINTS = (CREATE_SECRET,)
