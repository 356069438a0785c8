"""One suite for the store's ports over every engine."""
