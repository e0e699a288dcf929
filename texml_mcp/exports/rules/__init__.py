"""What each provider refuses, as code: one module a provider, each answering with sentences."""
