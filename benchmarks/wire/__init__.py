"""Speaking to the servers that are compared, without a client library in the way."""
