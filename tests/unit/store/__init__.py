"""Unit tests of controller.store."""
