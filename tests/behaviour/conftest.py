"""Fixtures of the behaviour tests: the whole pipeline, with directories in memory."""

from tests.doubles.benches import bench, full
from tests.doubles.compiled_once import statements_compiled_once
from tests.doubles.schema_copy import schemas_by_copy

__all__ = ["bench", "full", "schemas_by_copy", "statements_compiled_once"]
