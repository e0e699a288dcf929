"""The benchmark: tasks on sandbox worlds, agents that try them, and a grade from what became of the world."""
