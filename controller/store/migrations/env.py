"""Run by Alembic: carries out the scripts in the transaction that ``store.schema`` opened."""

from alembic import context

from controller.store.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
