"""Call queues: list, create, read, resize, delete."""

from __future__ import annotations

from texml_mcp.catalog.common import (
    ACCOUNT_SID,
    DATE_CREATED,
    DATE_UPDATED,
    F_ACCOUNT,
    F_CREATED,
    F_SID,
    F_UPDATED,
    F_URI,
    PAGE_FIELDS,
    PAGING,
    QUEUE_SID,
)
from texml_mcp.catalog.model import (
    Effect,
    Endpoint,
    Field,
    Kind,
    Page,
    PageStyle,
    Param,
    Risk,
    RiskClass,
    Shape,
)

QUEUE = Shape(
    "queue",
    (
        F_SID,
        Field("current_size", "integer"),
        Field("max_size", "integer"),
        Field("average_wait_time", "integer", kind=Kind.SECONDS),
        F_CREATED,
        F_UPDATED,
        F_ACCOUNT,
        Field("subresource_uris", "object", kind=Kind.URI),
        F_URI,
    ),
)

_PATH = "/texml/Accounts/{account_sid}/Queues"

LIST_QUEUES = Endpoint(
    "list_queues",
    "List queues",
    "GET",
    _PATH,
    "queues",
    "",
    effect=Effect.READ,
    shape=QUEUE,
    page=Page(PageStyle.PAGE_TOKEN, "queues", PAGE_FIELDS),
    path_params=(ACCOUNT_SID,),
    query=(DATE_CREATED, DATE_UPDATED, *PAGING),
    idempotent=True,
    errors=(404,),
)

CREATE_QUEUE = Endpoint(
    "create_queue",
    "Create a queue",
    "POST",
    _PATH,
    "queues",
    "",
    effect=Effect.CREATE,
    shape=QUEUE,
    body="form",
    path_params=(ACCOUNT_SID,),
    body_params=(
        Param("FriendlyName"),
        Param("MaxSize", "integer", unit="calls"),
    ),
    risks=(Risk(RiskClass.CONFIG, "adds a queue", reversible=True),),
    settles="list_queues",
    errors=(404,),
)

GET_QUEUE = Endpoint(
    "get_queue",
    "Read a queue",
    "GET",
    f"{_PATH}/{{queue_sid}}",
    "queues",
    "Callers waiting in a queue, and their wait.",
    effect=Effect.READ,
    shape=QUEUE,
    path_params=(ACCOUNT_SID, QUEUE_SID),
    idempotent=True,
    errors=(404,),
)

UPDATE_QUEUE = Endpoint(
    "update_queue",
    "Resize a queue",
    "POST",
    f"{_PATH}/{{queue_sid}}",
    "queues",
    "Resize a queue; callers beyond it are turned away.",
    effect=Effect.UPDATE,
    shape=QUEUE,
    body="form",
    path_params=(ACCOUNT_SID, QUEUE_SID),
    body_params=(Param("MaxSize", "integer", unit="calls", required=True),),
    risks=(Risk(RiskClass.CONFIG, "new callers may be turned away"),),
    idempotent=True,
    settles="get_queue",
    errors=(404,),
)

DELETE_QUEUE = Endpoint(
    "delete_queue",
    "Delete a queue",
    "DELETE",
    f"{_PATH}/{{queue_sid}}",
    "queues",
    "Delete a queue; waiting callers may be cut off.",
    effect=Effect.DELETE,
    shape=None,
    success=204,
    path_params=(ACCOUNT_SID, QUEUE_SID),
    risks=(
        Risk(RiskClass.DESTROYS, "the queue and its statistics are gone"),
        Risk(RiskClass.INTERRUPTS, "callers waiting in it may be cut off"),
    ),
    idempotent=True,
    settles="get_queue",
    errors=(404,),
)

ENDPOINTS = (LIST_QUEUES, CREATE_QUEUE, GET_QUEUE, UPDATE_QUEUE, DELETE_QUEUE)
