"""Unit tests of controller.reconcile."""
