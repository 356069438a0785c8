"""One script per revision. A released script never changes."""
