"""The servers that are compared, each as its user would start it."""
