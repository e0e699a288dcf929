"""The parts whose cost may grow with what they hold."""
