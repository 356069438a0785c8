"""Replay files without a store."""
