"""Speaks the protocols of external systems. Knows no store, no manifest file and no queue."""
