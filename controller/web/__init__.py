"""The HTTP API. Translates requests to use cases and errors to problem+json; decides nothing."""
