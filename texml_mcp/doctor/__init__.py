"""Is this installation right, and what is unsafe about it? Checks that only read.

Every check answers findings in words for whoever runs the server. One that fails itself is a finding too.
"""
