"""`python -m texml_mcp` is the `texml-mcp` command."""

from texml_mcp.cli import main

# Worker processes load this file again, under another name.
if __name__ == "__main__":
    main()
