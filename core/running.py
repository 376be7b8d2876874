"""What is running, as the front page tells it. Balancers ask /health/ready instead."""

import time
from collections.abc import Callable
from typing import TypedDict

from django.db import DatabaseError, connection
from django_redis import get_redis_connection
from redis.exceptions import RedisError


class Service(TypedDict):
    name: str
    state: str
    """ok or down"""
    note: str


def services() -> list[Service]:
    return [
        _probe("PostgreSQL", _ask_postgres, "Nothing can be read or changed until it is back."),
        _probe("Redis or Valkey", _ask_redis, "Everything still works; live pushes come late."),
    ]


def _probe(name: str, ask: Callable[[], object], consequence: str) -> Service:
    started = time.perf_counter()
    try:
        ask()
    except (DatabaseError, RedisError, OSError):
        return Service(name=name, state="down", note=consequence)
    milliseconds = (time.perf_counter() - started) * 1000
    return Service(name=name, state="ok", note=f"Answered in {milliseconds:.1f} ms.")


def _ask_postgres() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _ask_redis() -> None:
    get_redis_connection("default").ping()
