"""Composition root: the only layer that knows concrete classes; settings, clock, workers, life cycle."""
