"""What comes back: a documented response as summary, typed data, text and next step."""

from texml_mcp.results.model import NOT_EXECUTED, Next, ToolResult
from texml_mcp.results.shape import many, one
from texml_mcp.results.text import render

__all__ = ["NOT_EXECUTED", "Next", "ToolResult", "many", "one", "render"]
