"""Capture: runs next to a source, seals what changes there to the controller's public key, and hands it over.

Knows neither the store nor the keyring: what it has written it cannot read.
"""
