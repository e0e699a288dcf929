"""texml-mcp: an MCP server for real phone calls through the Telnyx TeXML REST API."""

__version__ = "0.1.0"
