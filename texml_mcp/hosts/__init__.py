"""Programs that start MCP servers: where each keeps its configuration, and changing it without losing a byte.

The texts are edited in place, never parsed and written anew: comments, order, spacing and numbers of
what others put there stay as they are.
"""
