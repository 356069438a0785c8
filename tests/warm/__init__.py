"""Commands for tests that start warm: a process that has loaded the program forks for each of them.

A command costs 1 second of processor time to load, and tests type hundreds. What is forked is a process of its own,
with the caller's arguments, environment, folder, streams, and limits, and ends with its client. What is about starting
itself, or uses a terminal, starts cold.
"""
