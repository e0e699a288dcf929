"""How a request leaves, and what came of it.

Importing this costs nothing of `httpx` or `tenacity`: they come with the first request.
"""

from texml_mcp.client.encode import InvalidValue, masked
from texml_mcp.client.errors import ErrorCode, Outcome, UpstreamError
from texml_mcp.client.paging import Gathered, PageInfo, gather, items_of, page_info
from texml_mcp.client.paths import InvalidPathValue
from texml_mcp.client.plan import RequestPlan
from texml_mcp.client.upstream import LIVE_BASE_URL, Answer, Upstream

__all__ = [
    "LIVE_BASE_URL",
    "Answer",
    "ErrorCode",
    "Gathered",
    "InvalidPathValue",
    "InvalidValue",
    "Outcome",
    "PageInfo",
    "RequestPlan",
    "Upstream",
    "UpstreamError",
    "gather",
    "items_of",
    "masked",
    "page_info",
]
