"""The clients and servers of the end-to-end tests, for what a server offers besides tools."""

from tests.e2e.conftest import connect, era, network, worlds

__all__ = ["connect", "era", "network", "worlds"]
