"""Any MCP server on the same tasks: started by a command for each run, against the task's own world."""

from texml_mcp.evals.foreign.config import Configuration, ServerConfigError, load, shipped
from texml_mcp.evals.foreign.server import ForeignServer

__all__ = ["Configuration", "ForeignServer", "ServerConfigError", "load", "shipped"]
