"""Stores of a benchmark's own, in a folder that is deleted afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.embedded.services import Services


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Run a PostgreSQL and a Valkey; give the variables that name them."""
    with services() as (_, addresses):
        yield addresses


@contextmanager
def services(*, durable: bool = False) -> Iterator[tuple[Services, dict[str, str]]]:
    """Do as `stores` does, for who wants to stop one of them meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="tenantry-bench-"))
    folder.chmod(0o711)  # root's servers run as `nobody`, who has to pass through
    running = Services(folder, durable=durable)
    try:
        found = running.start()
        addresses = {
            "DATABASE_URL": found.database_url,
            "REDIS_URL": found.redis_url,
            "TENANTRY_HOME": str(folder),
        }
        yield running, addresses
    finally:
        running.discard()
