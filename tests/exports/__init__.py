"""Exports: valid by each provider's rules, and read by the server as they were meant."""
