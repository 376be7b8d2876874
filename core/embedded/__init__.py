"""PostgreSQL and Valkey out of PyPI wheels, for development and tests, never for production."""
