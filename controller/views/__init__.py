"""What is in the store as JSON: the one shape of each thing, for ``-o json`` and for the API. Never anything sealed."""
