"""What properties over a store need."""

from tests.doubles.schema_copy import schemas_by_copy

__all__ = ["schemas_by_copy"]
