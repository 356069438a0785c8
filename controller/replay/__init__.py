"""Replay files: changes accepted while the store is away. Knows files and seals, neither the store nor the pipeline."""
