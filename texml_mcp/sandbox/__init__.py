"""A deterministic double of the API: worlds, a clock, callees, and the documented answers."""

from texml_mcp.sandbox.app import Sandbox, create_app
from texml_mcp.sandbox.errors import ApiError
from texml_mcp.sandbox.world import World
from texml_mcp.sandbox.worlds import Worlds

__all__ = ["ApiError", "Sandbox", "World", "Worlds", "create_app"]
