"""A template of a connector package: the connector type ``folder``."""
