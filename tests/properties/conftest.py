"""What properties over a store need."""

from tests.doubles.compiled_once import statements_compiled_once
from tests.doubles.schema_copy import schemas_by_copy

__all__ = ["schemas_by_copy", "statements_compiled_once"]
