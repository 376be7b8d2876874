"""Gives every test run a PostgreSQL and a Valkey of its own, before Django reads its settings.

Loaded by `-p tests.plugin` (pyproject.toml). The process that was started by hand starts the
stores; the workers of pytest-xdist inherit their addresses. pytest-django gives each worker a
database of its own, we give each a Redis database of its own.
"""

import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from core.embedded import places
from core.embedded.errors import EmbeddedError
from core.embedded.locks import hold
from core.embedded.services import Services

PREFIX = "tenantry-tests-"
SETTINGS = {
    "READ_DOT_ENV": "0",
    "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "PUBLIC_URL": "http://testserver",
    "EMAIL_URL": "memorymail://",
    "LOG_FORMAT": "json",
    "FLAGS_POLL_S": "0",  # no thread that would look past a test's transaction
}
FOREIGN = [
    *("DEBUG", "PORT", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS", "RATE_LIMITS"),
    *("JWT_PRIVATE_KEY_FILES", "ACCESS_TTL_S", "REFRESH_TTL_S", "LOG_LEVEL", "DRAIN_S"),
    *("OUTBOUND_ALLOW", "OUTBOUND_PORTS", "WEBHOOK_SCHEDULE", "DEBUG_JOBS"),
    *("FLAGS_SNAPSHOT", "FLAGS_ENVIRONMENT"),
    *("WEB_THREADS", "WORKER_CONCURRENCY", "DEFAULT_FROM_EMAIL"),
]
"""Variables of the shell that would make tests pass or fail by whose shell it is."""
WORKERS_PER_CORE = 2
"""A worker waits most of its time: for servers, jobs, browsers and stores."""
MOST_WORKERS = 12
"""What a Valkey of 16 databases and a PostgreSQL of 200 connections give room to."""
SLOW = {"server": 40, "browser": 40}
"""How many others a test with this mark takes as long as; a time-out says it by itself."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    # A wrapper runs before pytest-django's own hook, which imports the settings.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        os.environ["REDIS_URL"] = own_database(os.environ["REDIS_URL"], worker)
    else:
        stack = ExitStack()
        # A clean-up runs even when pytest stops before its first test.
        early_config.add_cleanup(stack.close)
        try:
            begin(stack)
        except EmbeddedError as error:
            raise pytest.UsageError(str(error)) from None
    # What root's stores of single tests keep elsewhere shall end with this run.
    places.SHELTER = Path(os.environ["TENANTRY_HOME"]) / "shelter"
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    found = yield
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return found  # somebody chose
    return min(MOST_WORKERS, WORKERS_PER_CORE * found)


@pytest.hookimpl(trylast=True)  # after pytest-randomly, whose order stays among equals
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first: for what begins last, the whole run waits.

    `--no-loadscope-reorder` has xdist keep to it, which goes by how many tests a file has.
    """
    lengths = Counter[Path]()
    for item in items:
        lengths[item.path] += max(map(length, item.iter_markers()), default=1)
    items.sort(key=lambda item: -lengths[item.path])


def length(mark: pytest.Mark) -> int:
    """Return how many plain tests, of a tenth of a second, one with this mark takes as long as."""
    return mark.args[0] * 5 if mark.name == "timeout" else SLOW.get(mark.name, 1)


def begin(stack: ExitStack) -> None:
    for sign in (signal.SIGTERM, signal.SIGHUP):  # end as a Ctrl-C does, leaving nothing behind
        signal.signal(sign, signal.default_int_handler)
    sweep(Path(tempfile.gettempdir()))
    folder = claim_folder(stack)
    if sys.dont_write_bytecode:
        keep_bytecode(folder / "bytecode")
    postgres = os.environ.get("TEST_DATABASE_URL", "")
    valkey = os.environ.get("TEST_REDIS_URL", "")
    services = Services(folder, durable=False, postgres=not postgres, valkey=not valkey)
    stack.callback(services.discard)
    addresses = services.start()
    for name in FOREIGN:
        os.environ.pop(name, None)
    # Assigned, not defaulted: the shell's own DATABASE_URL may name data somebody needs.
    os.environ["DATABASE_URL"] = postgres or addresses.database_url
    os.environ["REDIS_URL"] = valkey or addresses.redis_url
    os.environ["TENANTRY_HOME"] = str(folder)
    os.environ.update(SETTINGS)


def keep_bytecode(folder: Path) -> None:
    """Compile once a run, and beside no source: hundreds of processes start, each would compile."""
    sys.pycache_prefix, sys.dont_write_bytecode = str(folder), False
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # not there after `python -B`


def claim_folder(stack: ExitStack) -> Path:
    """Make a folder whose lock tells later runs that we live, until the stack is closed."""
    draft = Path(tempfile.mkdtemp(prefix="tenantry-draft-"))
    stack.enter_context(hold(draft / "owner.lock", wait=False, note=str(os.getpid())))
    # Root's servers run as `nobody`, who has to pass through; renamed last, so that a sweep never
    # meets a folder whose lock is not taken yet.
    draft.chmod(0o711)
    return draft.rename(draft.with_name(draft.name.replace("tenantry-draft-", PREFIX)))


def sweep(parent: Path) -> None:
    """Stop and delete what runs left behind that were killed with -9."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            if folder.stat().st_uid != os.geteuid():
                continue
            with hold(folder / "owner.lock", wait=False):
                Services(folder, durable=False).discard()
        except (EmbeddedError, FileNotFoundError):
            continue  # it lives, or another run sweeps it


def own_database(redis_url: str, worker: str) -> str:
    """Return the address with the worker's number as its database: gw0 takes 1, and so on."""
    return urlunsplit(urlsplit(redis_url)._replace(path=f"/{int(worker.removeprefix('gw')) + 1}"))
