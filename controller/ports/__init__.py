"""Interfaces that the use cases need, by noun. Who implements one keeps its Raises contract; a suite checks each."""
