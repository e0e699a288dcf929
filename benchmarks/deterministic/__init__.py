"""Numbers that are the same on every run, held against a committed baseline."""
