import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xdist.plugin
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


@pytest.mark.parametrize("chosen", [None, 3])
def test_there_are_more_workers_than_cores_unless_somebody_chose(
    chosen: int | None, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    if chosen:
        monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", str(chosen))

    workers = pytestconfig.hook.pytest_xdist_auto_num_workers(config=pytestconfig)

    cores = xdist.plugin.pytest_xdist_auto_num_workers(pytestconfig)
    assert workers == (chosen or min(2 * cores, plugin.MOST_WORKERS))


@dataclass
class Item:
    path: Path
    marks: tuple[str, ...] = ()

    def iter_markers(self) -> Iterator[pytest.Mark]:
        return (pytest.Mark(name, (), {}, _ispytest=True) for name in self.marks)


def test_the_longest_files_come_first_and_stay_together() -> None:
    short, long, slow = Path("short.py"), Path("long.py"), Path("slow.py")
    items: list[Any] = [
        Item(short),
        *(Item(long) for _ in range(30)),
        Item(slow),
        Item(slow, ("django_db", "server")),
        Item(short, ("django_db",)),
    ]

    plugin.pytest_collection_modifyitems(items)

    assert [item.path for item in items] == [slow] * 2 + [long] * 30 + [short] * 2
    assert [item.marks for item in items[-2:]] == [(), ("django_db",)]  # as they were shuffled


def test_processes_find_each_other_s_bytecode_and_leave_none_beside_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "")
    source, kept = tmp_path / "sources" / "told.py", tmp_path / "kept"
    source.parent.mkdir()
    source.touch()

    plugin.keep_bytecode(kept)

    subprocess.run([sys.executable, "-c", "import told"], cwd=source.parent, check=True)
    assert [path.name for path in source.parent.iterdir()] == [source.name]
    assert [path.name.split(".")[0] for path in kept.rglob("told.*.pyc")] == ["told"]
    assert (sys.pycache_prefix, sys.dont_write_bytecode) == (str(kept), False)


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
