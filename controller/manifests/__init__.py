"""Reads manifests (YAML, CSV) into desired state, every error at its place. Knows no store and no directory."""
