import asyncio
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock_time
from decimal import Decimal
from enum import Enum
from inspect import iscoroutinefunction
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db.models import IntegerChoices, TextChoices

from core import cache as cache_module
from core.cache import Cached, cache, cached
from core.cache_codec import pack, unpack
from core.cache_local import LocalCache
from core.cache_turns import names
from core.embedded.valkey import Valkey
from core.redis import Client, StoreUnavailableError, call

ACME = UUID("0190aaaa-bbbb-7ccc-8ddd-0123456789ab")
GLOBEX = UUID("0190aaaa-bbbb-7ccc-8ddd-0123456789ac")

VALUE, LOCK, TURN = range(3)  # of cache_turns.names

COMPUTE_IN_FOUR_THREADS = """
import time
from concurrent.futures import ThreadPoolExecutor
from core.cache import cached
from core.redis import call

@cached(expire=60, key_prefix="report")
def report(number):
    call(lambda client: client.incr("computed"))
    time.sleep(0.5)
    return number

call(lambda client: client.incr("ready"))
while int(call(lambda client: client.get("ready"))) < 4:
    time.sleep(0.001)
with ThreadPoolExecutor(4) as pool:
    assert set(pool.map(report, [7] * 4)) == {7}
"""


class Role(TextChoices):
    OWNER = "owner"


class Level(IntegerChoices):
    HIGH = 3


class Colour(Enum):
    RED = 1


@pytest.fixture(autouse=True)
def own_prefixes() -> Iterator[None]:
    """Tests define functions of the same prefix; the product may not."""
    before = dict(cache_module._functions)
    yield
    cache_module._functions.clear()
    cache_module._functions.update(before)


class Counter:
    """A function to cache, and how often it ran."""

    def __init__(self) -> None:
        self.runs = 0
        self.result: Any = "value"

    def __call__(self) -> Any:
        self.runs += 1
        return self.result


@pytest.fixture
def counter() -> Counter:
    return Counter()


def cached_counter(counter: Counter, **options: Any) -> Cached[..., Any]:
    settings: dict[str, Any] = {"expire": 60, "key_prefix": "counted"} | options

    @cached(**settings)
    def counted(number: object = 1, organization_id: object = None) -> Any:
        return counter()

    return counted


def expire_softly(function: Cached[..., Any], *args: Any) -> None:
    """Let the value's own moment of expiry pass, as time would."""
    name = names(function.key_of(*args))[0]
    stored: Any = call(lambda client: client.get(name))
    call(lambda client: client.set(name, b"\0" * 8 + stored[8:], keepttl=True))


def put(key: str, kind: int, stored: bytes, *, milliseconds: int) -> None:
    name = names(key)[kind]
    call(lambda client: client.set(name, stored, px=milliseconds))


def keys() -> list[str]:
    return sorted(key.decode() for key in call(lambda client: client.scan_iter("*")))


# -- Values under keys -----------------------------------------------------------------------------


def test_what_was_set_can_be_read_until_it_is_deleted() -> None:
    assert cache.get("plan") is None
    assert cache.set("plan", {"name": "pro"}, expire=60)
    assert cache.get("plan") == {"name": "pro"}

    assert cache.delete("plan")

    assert cache.get("plan", "none") == "none"


async def test_coroutines_have_twins() -> None:
    assert await cache.aset("plan", [1, 2], expire=timedelta(minutes=1))
    assert await cache.aget("plan") == [1, 2]
    assert await cache.aforget("plan")
    assert await cache.aget("plan", "none") == "none"
    await cache.aset("plan", 1, expire=60)
    assert await cache.aclear("pl*") == 1


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -1, 2**64, -(2**70), 1.5, "", "ü\x00", b"\x00\xff", [1, [2]],
        {"a": {"b": None}},
        {1: "a", ACME: "b"}, (1, (2,)), {1, 2}, frozenset({"a"}), ACME, Decimal("1.50"),
        date(2026, 1, 2), clock_time(1, 2, 3), timedelta(days=-1, microseconds=5),
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2026, 1, 2),  # noqa: DTZ001  naive ones stay naive
        [(ACME, {"at": datetime(2026, 1, 2, tzinfo=UTC)})],
    ],
)  # fmt: skip
def test_values_come_back_as_they_went_in(value: object) -> None:
    found = unpack(pack(value))

    assert found == value
    assert type(found) is type(value)


def test_special_kinds_of_plain_types_come_back_plain() -> None:
    assert unpack(pack([Role.OWNER, Level.HIGH])) == ["owner", 3]
    assert type(unpack(pack(Role.OWNER))) is str


def test_objects_are_refused_with_a_clear_line() -> None:
    with pytest.raises(TypeError, match="can't cache a Counter: cache ids and plain values"):
        cache.set("thing", Counter(), expire=60)


def test_what_we_can_not_read_counts_as_missing() -> None:
    far = struct.pack(">d", 1e12)
    for rubbish in (b"", b"short", b"\x80\x04K\x01.", far, far + b"\xc1", far + b"\xd4\x63x"):
        put("thing", VALUE, rubbish, milliseconds=60_000)

        assert cache.get("thing", "none") == "none"


def test_every_key_ends_and_carries_our_name(counter: Counter) -> None:
    cache.set("plan", 1, expire=60)
    cached_counter(counter)(5)

    assert keys() == ["tenantry:cache:v:counted:i5:n", "tenantry:cache:v:plan"]
    lives: Any = call(lambda client: [client.pttl(key) for key in keys()])
    assert min(lives) > 0


# -- Functions -------------------------------------------------------------------------------------


def test_a_result_is_computed_once(counter: Counter) -> None:
    function = cached_counter(counter)

    assert [function(1), function(1), function(2)] == ["value"] * 3
    assert counter.runs == 2


def test_none_is_a_result_like_any_other(counter: Counter) -> None:
    counter.result = None
    function = cached_counter(counter)

    assert [function(), function()] == [None, None]
    assert counter.runs == 1


def test_every_way_of_writing_a_call_is_the_same_call(counter: Counter) -> None:
    function = cached_counter(counter)

    function()
    function(1)
    function(number=1)
    function(organization_id=None, number=1)

    assert counter.runs == 1


def test_arguments_that_differ_in_type_differ(counter: Counter) -> None:
    different = [
        1, "1", True, 1.0, None, "None", "n", b"1", ACME, str(ACME), Decimal(1), Decimal("1.0"),
        0.0, -0.0, "", "i1", "a:b", "a%3Ab", "*", "\ud800",
        date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), Colour.RED, "Colour.RED",
        "x" * 500, "x" * 501,
    ]  # fmt: skip
    function = cached_counter(counter)

    for argument in different + different:
        function(argument)

    assert counter.runs == len(different)
    assert len({function.key_of(argument) for argument in different}) == len(different)


def test_neighbouring_arguments_do_not_run_together(counter: Counter) -> None:
    function = cached_counter(counter)

    assert function.key_of("a", "b:c") != function.key_of("a:b", "c")
    assert function.key_of("a:sb", "c") != function.key_of("a", "b:sc")


def test_a_choice_and_its_stored_text_are_the_same_argument(counter: Counter) -> None:
    function = cached_counter(counter)

    assert function.key_of(Role.OWNER) == function.key_of("owner")
    assert function.key_of(Level.HIGH) == function.key_of(3)


def test_keys_stay_short(counter: Counter) -> None:
    assert len(cached_counter(counter).key_of("x" * 100_000, ACME)) < 100


@pytest.mark.parametrize("argument", [object(), [1], {"a": 1}, (1,)])
def test_arguments_without_lasting_identity_are_refused(counter: Counter, argument: object) -> None:
    with pytest.raises(TypeError, match=r"counted: a \w+ can't be part of a cache key"):
        cached_counter(counter)(argument)
    assert counter.runs == 0


def test_a_wrong_call_fails_as_the_function_would(counter: Counter) -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        cached_counter(counter)(colour="red")


def test_functions_that_can_not_be_cached_are_refused_when_defined() -> None:
    with pytest.raises(TypeError, match="must name its parameters"):
        cached(expire=1, key_prefix="x")(lambda *args: args)
    with pytest.raises(TypeError, match="no parameter 'organization_id'"):
        cached(expire=1, key_prefix="x", tenant="organization_id")(lambda: 1)
    with pytest.raises(ValueError, match="no key prefix"):
        cached(expire=1, key_prefix="every*")(lambda: 1)
    with pytest.raises(ValueError, match="positive"):
        cached(expire=0, key_prefix="x")(lambda: 1)


def test_two_functions_can_not_share_a_prefix(counter: Counter) -> None:
    cached_counter(counter)

    def other() -> int:
        return 1

    with pytest.raises(ValueError, match=r"taken by .*counted"):
        cached(expire=1, key_prefix="counted")(other)


def test_forgetting_one_call_leaves_the_others(counter: Counter) -> None:
    function = cached_counter(counter)
    function(1)
    function(2)

    assert function.forget(number=1)

    function(1)
    function(2)
    assert counter.runs == 3


def test_clearing_forgets_every_call_of_this_function_alone(counter: Counter) -> None:
    function = cached_counter(counter)
    function(1)
    function(2)
    cache.set("counter", 1, expire=60)

    assert function.clear() == 2

    assert keys() == ["tenantry:cache:v:counter"]


def test_a_tenant_stands_first_in_the_key_and_can_be_cleared(counter: Counter) -> None:
    function = cached_counter(counter, tenant="organization_id")
    function(1, ACME)
    function(2, organization_id=ACME)
    function(1, GLOBEX)
    assert function.key_of(1, ACME).startswith(f"counted:{ACME}:")

    assert cache.clear(f"counted:{ACME}:*") == 2

    function(1, GLOBEX)
    assert counter.runs == 3


def test_a_function_that_raises_caches_nothing_and_frees_the_turn() -> None:
    answers = iter([ValueError("no"), "yes"])

    @cached(expire=60, key_prefix="moody")
    def moody() -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no"):
        moody()

    assert keys() == []
    assert moody() == "yes"


def test_a_function_that_meets_an_outage_of_its_own_fails_as_itself() -> None:
    runs = []

    @cached(expire=60, key_prefix="unlucky")
    def unlucky() -> None:
        runs.append(1)
        raise StoreUnavailableError("mine")

    with pytest.raises(StoreUnavailableError, match="mine"):
        unlucky()
    assert runs == [1]


async def test_coroutine_functions_are_cached_alike() -> None:
    runs = []

    @cached(expire=60, key_prefix="acounted", local_seconds=0)
    async def acounted(number: int) -> int:
        runs.append(number)
        await asyncio.sleep(0)
        return number * 2

    assert iscoroutinefunction(acounted._function)
    assert set(await asyncio.gather(*(acounted(2) for _ in range(20)))) == {4}
    assert runs == [2]
    assert await acounted.aforget(2)
    assert await acounted(2) == 4
    assert await acounted.aclear() == 1
    assert runs == [2, 2]


async def test_a_cancelled_computation_frees_the_turn() -> None:
    begun = asyncio.Event()

    @cached(expire=60, key_prefix="slow")
    async def slow() -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    task = asyncio.create_task(slow())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with asyncio.timeout(10):
        while await asyncio.to_thread(keys):
            await asyncio.sleep(0.01)


# -- One recompute for all -------------------------------------------------------------------------


def test_threads_that_miss_together_compute_once(counter: Counter) -> None:
    others_wait = threading.Event()

    @cached(expire=60, key_prefix="popular")
    def popular() -> Any:
        others_wait.wait(0.2)
        return counter()

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: popular(), range(16)))

    assert found == ["value"] * 16
    assert counter.runs == 1


def test_processes_that_miss_together_compute_once() -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", COMPUTE_IN_FOUR_THREADS],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]

    errors = [run.communicate()[1] for run in runs]

    assert errors == [b""] * 4
    assert call(lambda client: client.get("computed")) == b"1"


def test_while_one_recomputes_the_others_get_the_stale_value(counter: Counter) -> None:
    computing, go_on = threading.Event(), threading.Event()

    @cached(expire=60, key_prefix="popular")
    def popular() -> Any:
        if counter.runs:
            computing.set()
            go_on.wait(10)
        return counter()

    popular()
    expire_softly(popular)
    counter.result = "newer"
    with ThreadPoolExecutor(1) as pool:
        winner = pool.submit(popular)
        computing.wait(10)
        meanwhile = [popular() for _ in range(5)]
        go_on.set()
        assert winner.result() == "newer"

    assert meanwhile == ["value"] * 5
    assert popular() == "newer"
    assert counter.runs == 2


def test_a_crashed_winner_holds_nobody_up_for_ever(counter: Counter) -> None:
    function = cached_counter(counter)
    for kind in (LOCK, TURN):
        put(function.key_of(), kind, b"whoever crashed", milliseconds=100)

    assert function() == "value"
    assert function() == "value"
    assert counter.runs == 1


def test_patience_ends_before_a_long_computation_of_others_does(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cache_turns.PATIENCE_SECONDS", 0.05)
    function = cached_counter(counter)
    put(function.key_of(), LOCK, b"somebody", milliseconds=60_000)

    assert function() == "value"
    assert counter.runs == 1


@pytest.mark.parametrize("how", ["forget", "clear", "flush"])
def test_what_is_forgotten_during_a_recompute_does_not_come_back(
    how: str, counter: Counter
) -> None:
    computing, go_on = threading.Event(), threading.Event()

    @cached(expire=60, key_prefix="changing", local_seconds=60)
    def changing() -> Any:
        result = counter()
        computing.set()
        go_on.wait(10)
        return result

    counter.result = "old"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(changing)
        computing.wait(10)
        counter.result = "new"
        if how == "flush":
            call(lambda client: client.flushdb())
            changing.forget()
        else:
            getattr(changing, how)()
        go_on.set()
        running.result()

    assert changing() == "new"


def test_a_late_result_does_not_overwrite_a_later_turn(counter: Counter) -> None:
    computing, go_on = threading.Event(), threading.Event()

    @cached(expire=60, key_prefix="contested")
    def contested() -> Any:
        result = counter()
        if result == "old":
            computing.set()
            go_on.wait(10)
        return result

    contested.turn_seconds = 0.01
    counter.result = "old"
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(contested)
        computing.wait(10)
        counter.result = "new"
        assert contested() == "new"  # waits until the turn of the slow one is over
        go_on.set()
        assert slow.result() == "old"

    assert contested() == "new"


def test_a_slow_result_is_kept_although_its_lock_expired(counter: Counter) -> None:
    @cached(expire=60, key_prefix="slow")
    def slow() -> Any:
        time.sleep(0.05)
        return counter()

    slow.turn_seconds = 0.01

    assert [slow(), slow()] == ["value", "value"]
    assert counter.runs == 1


# -- The local level -------------------------------------------------------------------------------


def test_the_local_level_needs_no_store(counter: Counter) -> None:
    function = cached_counter(counter, local_seconds=60)
    function()
    call(lambda client: client.flushdb())

    assert function() == "value"
    assert counter.runs == 1


def test_forgetting_reaches_the_local_level(counter: Counter) -> None:
    function = cached_counter(counter, local_seconds=60)
    function()
    function.forget()
    function()
    cache.clear("counted:*")
    function()
    cache.delete(function.key_of())
    function()

    assert counter.runs == 4


def test_the_local_level_is_stale_for_its_seconds_at_most(counter: Counter) -> None:
    function = cached_counter(counter, local_seconds=0.02)
    function()
    with Client.from_url(settings.REDIS_URL) as another_process:
        another_process.flushdb()
    counter.result = "newer"

    threading.Event().wait(0.02)

    assert function() == "newer"


def test_the_local_seconds_begin_with_the_reading(counter: Counter) -> None:
    @cached(expire=60, key_prefix="slow", local_seconds=0.02)
    def slow() -> Any:
        result = counter()
        with Client.from_url(settings.REDIS_URL) as another_process:
            another_process.flushdb()
        threading.Event().wait(0.02)
        counter.result = "newer"
        return result

    assert [slow(), slow()] == ["value", "newer"]


def test_the_local_level_keeps_what_was_used_last() -> None:
    local = LocalCache(seconds=60, capacity=2)
    for key in ("a", "b"):
        local.put(key, key, begun=local.begin())
    local.get("a")

    local.put("c", "c", begun=local.begin())

    assert [local.get(key) for key in "ac"] == ["a", "c"]
    assert len(local._entries) == 2


def test_the_local_level_stands_many_threads() -> None:
    local = LocalCache(seconds=60, capacity=8)

    def work(seed: int) -> None:
        for number in range(2000):
            local.put(str((seed + number) % 16), number, begun=local.begin())
            local.get(str(number % 16))
            local.forget(str((seed * number) % 16))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert len(local._entries) <= 8


# -- Redis away ------------------------------------------------------------------------------------


def stop(server: Valkey) -> None:
    server.stop()


def hang(server: Valkey) -> None:
    pid = server.running_pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)


def fill(server: Valkey) -> None:
    call(lambda client: client.config_set("maxmemory-policy", "noeviction"))
    call(lambda client: client.config_set("maxmemory", "1"))


@pytest.fixture
def broken_valkey(private_valkey: Valkey, request: pytest.FixtureRequest) -> Iterator[None]:
    cache.set("known", 1, expire=60)
    request.param(private_valkey)
    yield
    pid = private_valkey.running_pid()
    if pid:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("broken_valkey", [stop, hang, fill], indirect=True)
@pytest.mark.usefixtures("broken_valkey")
def test_without_redis_functions_just_run(counter: Counter) -> None:
    function = cached_counter(counter)

    assert [function(), function()] == ["value", "value"]
    assert counter.runs == 2
    assert not cache.set("other", 1, expire=60)
    assert cache.get("other") is None


@pytest.mark.parametrize("broken_valkey", [stop, hang], indirect=True)
@pytest.mark.usefixtures("broken_valkey")
def test_without_redis_nothing_raises_and_forgetting_tells_that_it_failed() -> None:
    assert cache.get("known", "none") == "none"
    assert not cache.delete("known")
    assert cache.clear("*") == 0


@pytest.mark.parametrize("broken_valkey", [stop, hang, fill], indirect=True)
@pytest.mark.usefixtures("broken_valkey")
async def test_without_redis_coroutines_just_run(counter: Counter) -> None:
    @cached(expire=60, key_prefix="acounted")
    async def acounted() -> Any:
        return counter()

    assert [await acounted(), await acounted()] == ["value", "value"]
    assert not await cache.aset("other", 1, expire=60)
    assert await cache.aget("other") is None


def test_a_store_that_goes_away_during_the_computation_spoils_nothing(
    private_valkey: Valkey, counter: Counter
) -> None:
    @cached(expire=60, key_prefix="fragile")
    def fragile() -> Any:
        private_valkey.stop()
        return counter()

    assert fragile() == "value"


def test_a_store_emptied_in_the_middle_is_filled_again(counter: Counter) -> None:
    function = cached_counter(counter)
    function()

    call(lambda client: (client.flushdb(), client.script_flush()))

    assert [function(), function()] == ["value", "value"]
    assert counter.runs == 2


def test_clearing_walks_many_keys() -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: cache.set(f"many:{number}", 1, expire=60), range(1200)))
    cache.set("manyfold", 1, expire=60)

    assert cache.clear("many:*") == 1200
    assert cache.get("manyfold") == 1
