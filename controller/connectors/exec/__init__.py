"""Runs a program for each password. It gets all it needs on standard input, and answers by its exit code."""
