"""The baseline to compare with: an OpenAPI document turned into MCP tools, one for one, and nothing more."""
