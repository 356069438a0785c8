"""Fixtures of the pipeline's tests."""

from tests.doubles.benches import bench, full

__all__ = ["bench", "full"]
