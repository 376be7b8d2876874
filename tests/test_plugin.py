import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings

from core.embedded import processes
from core.embedded.services import Services
from tests import plugin


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_tests_never_see_the_data_of_make_run() -> None:
    home = settings.BASE_DIR / ".tenantry"

    assert home not in (settings.HOME, *settings.HOME.parents)
    assert settings.HOME.name.startswith(plugin.PREFIX)


@pytest.mark.parametrize(
    ("worker", "database"), [("gw0", "redis://h:1/1"), ("gw11", "redis://h:1/12")]
)
def test_each_worker_has_a_redis_database_of_its_own(worker: str, database: str) -> None:
    assert plugin.own_database("redis://h:1/0", worker) == database


def test_what_a_killed_run_left_is_stopped_and_deleted(parent: Path) -> None:
    with ExitStack() as stack:
        folder = plugin.claim_folder(stack)
        services = Services(folder, durable=False, postgres=False)
        services.start()
        left = services.servers[0].running_pid() or 0

    plugin.sweep(parent)

    assert not processes.is_alive(left)
    assert not folder.exists()
    services.stop()


def test_a_run_that_lives_is_left_alone(parent: Path) -> None:
    with ExitStack() as stack:
        folder = plugin.claim_folder(stack)

        plugin.sweep(parent)

        assert folder.exists()
