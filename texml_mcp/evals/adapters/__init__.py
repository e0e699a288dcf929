"""The tasks in other harnesses: their loop, their logs and their models; our worlds and our grade."""
