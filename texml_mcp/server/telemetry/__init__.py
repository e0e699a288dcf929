"""Spans, metrics and one log line a call: what operators may see, and nothing that was said or dialled."""
