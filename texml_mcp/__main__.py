"""`python -m texml_mcp` is the `texml-mcp` command."""

from texml_mcp.cli import main

main()
