"""Unit tests of controller.planning."""
