"""The benchmark: tasks, runs, grades."""
