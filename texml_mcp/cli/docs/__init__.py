"""The pages of docs/ that are made from the code, so that they cannot say what is no longer so."""

FOLDER = "docs/tools"
"""Where the pages of the tools are, from the root of a checkout."""
