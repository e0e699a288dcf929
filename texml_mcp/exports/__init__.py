"""The tools in the words of each provider, the rules each provider holds them to, and their disguises."""
