"""Everything durable, on SQLAlchemy Core: SQLite and PostgreSQL. Holds sealed values and cannot open them."""
