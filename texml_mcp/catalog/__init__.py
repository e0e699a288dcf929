"""What the API offers: the 38 endpoints, declared once."""

from texml_mcp.catalog.endpoints import ENDPOINTS, TOOLSETS, endpoint, listing
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

__all__ = [
    "ENDPOINTS",
    "TOOLSETS",
    "Effect",
    "Endpoint",
    "Field",
    "Kind",
    "Page",
    "PageStyle",
    "Param",
    "Risk",
    "RiskClass",
    "Shape",
    "endpoint",
    "listing",
]
