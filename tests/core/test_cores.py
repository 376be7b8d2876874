"""The threads of a server process on one core."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import cores
from tests.servers import running

ALL = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
pytestmark = pytest.mark.skipif(len(ALL) < 2, reason="takes Linux and two cores")


@pytest.fixture
def apart() -> Iterator[None]:
    """Give the test's process its cores back."""
    yield
    cores._gathered_from = None
    for thread in cores.THREADS.iterdir():
        cores._run_on(int(thread.name), ALL)


def where() -> set[int]:
    return os.sched_getaffinity(0)


@pytest.mark.usefixtures("apart")
def test_all_threads_are_brought_together_and_one_may_choose_anew() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(where).result() == ALL

        cores.gather()

        assert len(where()) == 1
        assert pool.submit(where).result() == where()
        cores.scatter()
        assert where() == ALL
        assert len(pool.submit(where).result()) == 1


@pytest.mark.usefixtures("apart")
def test_long_work_may_run_anywhere_and_comes_back() -> None:
    cores.gather()
    home = where()

    with cores.anywhere():
        assert where() == ALL

    assert where() == home


def test_nothing_changes_where_nothing_was_gathered() -> None:
    with cores.anywhere():
        assert where() == ALL

    cores.scatter()
    assert where() == ALL


@pytest.mark.usefixtures("apart")
def test_a_thread_that_ends_meanwhile_is_no_harm() -> None:
    gone = threading.Thread()
    gone.start()
    gone.join()

    cores._run_on(gone.native_id or 0, ALL)


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("setting", "together"), [("1", True), ("0", False)])
def test_a_server_gathers_unless_it_is_told_not_to(
    tmp_path: Path,
    eventually: Callable[[Callable[[], bool]], None],
    setting: str,
    together: bool,
) -> None:
    with running(tmp_path / "log", GATHER_THREADS=setting) as server:
        assert server.get("/api/v1/users/me").status_code == 401  # a thread of HTTP has begun
        threads = Path(f"/proc/{server.process.pid}/task")

        def cores_of_all() -> list[set[int]]:
            return [os.sched_getaffinity(int(thread.name)) for thread in threads.iterdir()]

        if together:
            eventually(lambda: all(len(found) == 1 for found in cores_of_all()))
        assert all(found == ALL for found in cores_of_all()) is not together
