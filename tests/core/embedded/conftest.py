import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.embedded.services import Services


@pytest.fixture(scope="session")
def initialized() -> Iterator[Path]:
    """A data folder to copy: making one costs most of a second."""
    folder = make_home()
    stores = Services(folder, durable=False)
    stores.start()
    stores.stop()
    yield folder
    stores.discard()


@pytest.fixture
def home() -> Iterator[Path]:
    folder = make_home()
    yield folder
    Services(folder, durable=False).discard()


@pytest.fixture
def services(home: Path, initialized: Path) -> Iterator[Services]:
    shutil.copytree(initialized / "postgres", home / "postgres")
    stores = Services(home, durable=False)
    yield stores
    stores.stop()


def make_home() -> Path:
    """Make a folder for stores; root's servers, which run as `nobody`, can pass through it."""
    folder = Path(tempfile.mkdtemp(prefix="tenantry-home-"))
    folder.chmod(0o711)
    return folder
