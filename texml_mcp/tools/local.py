"""Arguments of a tool that never reach the API: worded once, spelt the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from texml_mcp.catalog import Endpoint, Param
from texml_mcp.catalog.calls import FINAL_STATUSES

DRY_RUN = Param("dry_run", "boolean")
CONFIRM_TOKEN = Param("confirm_token")
VALUE_ENV = Param("value_env", doc="Server variable instead of value")
DETAIL = Param("detail", enum=("summary", "full"))
LIMIT = Param("limit", "integer", minimum=1, maximum=1000, unpublished_range=True)
WAIT_FOR = Param("wait_for", enum=("in-progress", *FINAL_STATUSES, "ended"))
MAX_WAIT = Param("max_wait_seconds", "integer", default=25, minimum=1, maximum=25, unpublished_range=True)


def local_params(endpoint: Endpoint) -> tuple[Param, ...]:
    """The local arguments of an endpoint's tool, after the documented ones."""
    if endpoint.id == "create_secret":
        return (VALUE_ENV, DRY_RUN, CONFIRM_TOKEN)
    if not endpoint.reads:
        return (DRY_RUN, CONFIRM_TOKEN)
    if endpoint.page is not None:
        return (LIMIT, DETAIL)
    if endpoint.id == "get_call":
        return (WAIT_FOR, MAX_WAIT, DETAIL)
    return (DETAIL,)


@dataclass(frozen=True, slots=True)
class Local:
    """The local arguments of one call, with their defaults filled in."""

    dry_run: bool = False
    confirm_token: str | None = None
    value_env: str | None = None
    detail: str = "summary"
    limit: int | None = None
    wait_for: str | None = None
    max_wait_seconds: int = 25

    @property
    def full(self) -> bool:
        return self.detail == "full"
