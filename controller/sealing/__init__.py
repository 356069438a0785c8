"""Seals and opens secrets, keeps the keyring, makes keyed fingerprints. Knows no table."""
