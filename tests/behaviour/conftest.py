"""Fixtures of the behaviour tests: the whole pipeline, with directories in memory."""

from tests.doubles.benches import bench, full

__all__ = ["bench", "full"]
