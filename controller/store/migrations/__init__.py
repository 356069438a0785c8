"""Schema revisions, oldest first, and the Alembic scripts that lead from one to the next."""

REVISIONS = ("0001",)
"""Every revision this program knows, oldest first. Kept here so that opening an up-to-date store needs no Alembic."""
VERSION_TABLE = "schema_revision"
