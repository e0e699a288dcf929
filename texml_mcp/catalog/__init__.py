"""What the API offers: its endpoints, each declared once."""

from texml_mcp.catalog.endpoints import DEFAULT, ENDPOINTS, OPT_IN, TOOLSETS, endpoint, listing
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
    Role,
    Shape,
)

__all__ = [
    "DEFAULT",
    "ENDPOINTS",
    "OPT_IN",
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
    "Role",
    "Shape",
    "endpoint",
    "listing",
]
