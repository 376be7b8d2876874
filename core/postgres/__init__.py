"""Django's PostgreSQL backend, made to fail fast: see base.py."""
