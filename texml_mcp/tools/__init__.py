"""Which tool an endpoint is: its schemas, its arguments, and which tools a server offers."""
