"""Jobs: functions whose calls are stored in PostgreSQL and made later, by a worker.

A job deferred inside a transaction exists if and only if the transaction commits, and survives the
death of any process. It may run twice: it must be written so that the second run does no harm.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Generic, ParamSpec, TypedDict, Unpack

import structlog
from django.db import IntegrityError, transaction
from django.utils.module_loading import autodiscover_modules

from core.jobs import repositories
from core.jobs.records import NewJob

P = ParamSpec("P")

CONTEXT_KEY = "_context"
"""Argument with the log context of whoever deferred the job; no parameter may be named so."""
CARRIED = ("request_id", "trace_id")
QUEUEING_LOCK_INDEX = "procrastinate_jobs_queueing_lock_idx_v1"
BATCH = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Periodic:
    cron: str
    """Five fields in UTC; a sixth, if there, is seconds."""
    catch_up: timedelta
    """A tick missed while no worker ran is made good when it is no older than this."""


@dataclasses.dataclass(frozen=True)
class Job(Generic[P]):
    """A function that can be called now, `charge(id=1)`, or later, `charge.defer(id=1)`."""

    function: Callable[P, Any]
    name: str
    queue: str = "default"
    retries: int = 8
    priority: int = 0
    lock: str | None = None
    queueing_lock: str | None = None
    schedule_at: datetime | None = None
    periodic: Periodic | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        return self.function(*args, **kwargs)

    def defer(self, *args: P.args, **kwargs: P.kwargs) -> int | None:
        """Store one call, by keyword; return its id, or None when its queueing lock is taken."""
        if args:
            raise TypeError(f"{self.name} takes its arguments by keyword")
        call = self._call(kwargs)
        if self.queueing_lock is None:  # nothing can be taken: one statement, one round trip
            return repositories.insert([call])[0]
        try:
            with transaction.atomic():  # a savepoint: a taken lock must not spoil the caller's work
                return repositories.insert([call])[0]
        except IntegrityError as error:
            if QUEUEING_LOCK_INDEX in str(error):
                return None
            raise

    def defer_many(self, calls: Iterable[Mapping[str, Any]]) -> list[int]:
        """Store many calls, all or none. About fifteen times as fast as one by one."""
        jobs = [self._call(arguments) for arguments in calls]
        batches = [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
        with transaction.atomic(savepoint=self.queueing_lock is not None):
            return [job_id for batch in batches for job_id in repositories.insert(batch)]

    def with_options(
        self,
        *,
        queue: str | None = None,
        priority: int | None = None,
        lock: str | None = None,
        queueing_lock: str | None = None,
        schedule_at: datetime | None = None,
    ) -> "Job[P]":
        """Return this job with other defaults, to be deferred at once.

        `lock`: two with the same never run at the same time, and they start in order of deferral,
        also when the first waits for a retry. `queueing_lock`: two with the same never wait at the
        same time. `schedule_at`: not before this moment.
        """
        return dataclasses.replace(
            self,
            queue=queue or self.queue,
            priority=self.priority if priority is None else priority,
            lock=lock or self.lock,
            queueing_lock=queueing_lock or self.queueing_lock,
            schedule_at=schedule_at or self.schedule_at,
        )

    def _call(self, arguments: Mapping[str, Any]) -> NewJob:
        check_arguments(self, arguments)
        context = structlog.contextvars.get_contextvars()
        carried = {key: context[key] for key in CARRIED if key in context}
        return NewJob(
            name=self.name,
            queue=self.queue,
            arguments={**arguments, **({CONTEXT_KEY: carried} if carried else {})},
            priority=self.priority,
            lock=self.lock,
            queueing_lock=self.queueing_lock,
            schedule_at=self.schedule_at,
        )


class Defaults(TypedDict, total=False):
    """What a job is deferred with unless `with_options` says otherwise."""

    queue: str
    retries: int
    """Further attempts after the first; 5 s, 10 s, 20 s … up to an hour apart."""
    priority: int
    """The higher, the sooner."""
    lock: str
    queueing_lock: str


_jobs: dict[str, Job[Any]] = {}


def job(
    *, name: str | None = None, aliases: Iterable[str] = (), **defaults: Unpack[Defaults]
) -> Callable[[Callable[P, Any]], Job[P]]:
    """Make a function a job. Its stored name is `module:function`; renaming it needs an alias."""

    def register(function: Callable[P, Any]) -> Job[P]:
        made = Job(function=function, name=name or _name_of(function), **defaults)
        return _register(made, aliases)

    return register


def periodic(
    *,
    cron: str,
    catch_up: timedelta = timedelta(minutes=10),
    queue: str = "default",
    retries: int = 0,
) -> Callable[[Callable[[], Any]], Job[[]]]:
    """Make a function without arguments a job that runs at each tick, once over all workers.

    A tick whose forerunner still waits in the queue is skipped; two never run at the same time.
    """

    def register(function: Callable[[], Any]) -> Job[[]]:
        name = _name_of(function)
        made = Job(
            function=function,
            name=name,
            queue=queue,
            retries=retries,
            lock=name,
            queueing_lock=name,
            periodic=Periodic(cron=cron, catch_up=catch_up),
        )
        return _register(made, ())

    return register


def load() -> None:
    """Import every `tasks` module of the installed apps, and ours, so that all jobs are known."""
    from core.jobs import debug, maintenance

    autodiscover_modules("tasks")
    maintenance.register()
    debug.register()


def find(name: str) -> Job[Any] | None:
    return _jobs.get(name)


def names() -> list[str]:
    return sorted(_jobs)


def all_periodic() -> list[tuple[Job[Any], Periodic]]:
    return [(made, made.periodic) for made in _jobs.values() if made.periodic]


def check_arguments(made: Job[Any], arguments: Mapping[str, Any]) -> None:
    """Refuse a call that could never work. Raises TypeError where the mistake was made."""
    _signature(made.function).bind(**arguments)
    for key, value in arguments.items():
        if not _is_plain(value):
            raise TypeError(
                f"{made.name}: {key} must be a JSON scalar or a list of them,"
                f" not {type(value).__name__}"
            )


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, str | int | float | bool | None) for item in value)
    return isinstance(value, str | int | float | bool | None)


def _name_of(function: Callable[..., Any]) -> str:
    return f"{function.__module__}:{function.__qualname__}"


def _register(made: Job[P], aliases: Iterable[str]) -> Job[P]:
    for name in (made.name, *aliases):
        known = _jobs.get(name)
        if known is not None and _name_of(known.function) != _name_of(made.function):
            raise ValueError(f"Two jobs are called {name}.")
        _jobs[name] = made
    return made
