"""SQL: questions to lists of items, without a database."""
