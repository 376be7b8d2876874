import asyncio
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.conf import settings
from pytest_django.fixtures import Settings
from redis.exceptions import ResponseError
from structlog.testing import capture_logs

from core.breaker import Breaker
from core.embedded.valkey import Valkey
from core.redis import EPOCH, Client, Script, StoreUnavailableError, acall, call, store

Eventually = Callable[[Callable[[], bool]], None]


def ping(client: Client) -> Any:
    return client.ping()


def works() -> bool:
    try:
        return bool(call(ping))
    except StoreUnavailableError:
        return False


def kill(server: Valkey) -> None:
    pid = server.running_pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    server.stop()  # reaps it


def fill(server: Valkey) -> None:
    call(lambda client: client.config_set("maxmemory-policy", "noeviction"))
    call(lambda client: client.config_set("maxmemory", "1mb"))
    while True:
        try:
            call(lambda client: client.lpush("ballast", b"x" * 100_000))
        except StoreUnavailableError:
            return


def test_a_command_answers_for_threads_and_for_coroutines() -> None:
    call(lambda client: client.set("greeting", "hello", ex=60))

    async def read() -> Any:
        return await acall(lambda client: client.get("greeting"))

    assert call(lambda client: client.get("greeting")) == b"hello"
    assert asyncio.run(read()) == b"hello"
    assert asyncio.run(read()) == b"hello"  # another event loop, another client


def test_an_event_loop_takes_its_connections_with_it() -> None:
    async def read() -> None:
        await acall(lambda client: client.get("greeting"))
        assert len(store()._async_clients) == 1

    asyncio.run(read())

    assert not store()._async_clients
    assert not store()._keepers


def test_every_command_names_the_database_of_this_test_worker() -> None:
    call(lambda client: client.set("whose", "mine", ex=60))

    with Client.from_url(settings.REDIS_URL) as other:
        assert other.get("whose") == b"mine"


def test_a_mistake_of_ours_is_no_outage() -> None:
    call(lambda client: client.set("word", "text", ex=60))

    with pytest.raises(Exception, match="WRONGTYPE"):
        call(lambda client: client.lpush("word", "x"))

    assert works()


def test_nobody_listening_is_an_outage_that_is_logged_once(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/7"  # an address, and so a breaker, of its own

    with capture_logs() as lines:
        for _ in range(5):
            with pytest.raises(StoreUnavailableError):
                call(ping)

    assert [line["event"] for line in lines] == ["redis.unavailable"]


def test_idle_connections_do_not_fail_after_a_restart(private_valkey: Valkey) -> None:
    together = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: (together.wait(), call(ping)), range(4)))
    kill(private_valkey)
    private_valkey.start(private_valkey.port)

    assert all(works() for _ in range(8))


async def test_idle_connections_of_a_loop_do_not_fail_after_a_restart(
    private_valkey: Valkey,
) -> None:
    await asyncio.gather(*(acall(lambda client: client.ping()) for _ in range(4)))
    await asyncio.to_thread(kill, private_valkey)
    await asyncio.to_thread(private_valkey.start, private_valkey.port)

    answers = [await acall(lambda client: client.ping()) for _ in range(8)]

    assert all(answers)


class ResettingStore:
    """Answers PING, and ends the first connection like a proxy that drops idle ones: by RST."""

    def __init__(self) -> None:
        self.accepted = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        await reader.readuntil(b"PING\r\n")
        writer.write(b"+PONG\r\n")
        if self.accepted == 1:
            now = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
        writer.close()


async def test_a_connection_that_was_reset_while_idle_does_not_fail(settings: Settings) -> None:
    ending = ResettingStore()
    server = await asyncio.start_server(ending.serve, "127.0.0.1", 0)
    settings.REDIS_URL = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    await acall(lambda client: client.ping())
    (client,) = store()._async_clients.values()
    (idle,) = client.connection_pool._available_connections
    assert idle._writer is not None
    with suppress(ConnectionResetError):
        await idle._writer.wait_closed()

    answer = await acall(lambda client: client.ping())

    assert answer
    assert ending.accepted == 2
    server.close()
    await server.wait_closed()


def test_a_killed_store_heals_without_a_restart_of_ours(
    private_valkey: Valkey, eventually: Eventually
) -> None:
    assert works()

    with capture_logs() as lines:
        kill(private_valkey)
        assert not works()
        private_valkey.start(private_valkey.port)
        eventually(works)

    assert [line["event"] for line in lines] == ["redis.unavailable", "redis.back"]


async def test_a_hanging_store_is_told_from_coroutines_too(private_valkey: Valkey) -> None:
    pid = private_valkey.running_pid()
    assert pid
    await acall(lambda client: client.ping())

    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(StoreUnavailableError, match="Timeout"):
        await acall(lambda client: client.ping())
    os.kill(pid, signal.SIGCONT)

    while True:
        try:
            assert await acall(lambda client: client.ping())
            break
        except StoreUnavailableError:
            await asyncio.sleep(0.01)


def test_while_it_hangs_only_one_caller_at_a_time_pays_the_time_out(
    private_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.breaker.REST_SECONDS", 60)
    pid = private_valkey.running_pid()
    assert pid
    os.kill(pid, signal.SIGSTOP)
    assert not works()

    reached = 0

    def count(client: Client) -> Any:
        nonlocal reached
        reached += 1
        return client.ping()

    for _ in range(1000):
        with pytest.raises(StoreUnavailableError):
            call(count)
    os.kill(pid, signal.SIGCONT)

    assert reached == 0


def test_a_full_store_counts_as_away_although_it_still_answers_reads(
    private_valkey: Valkey, eventually: Eventually
) -> None:
    with capture_logs() as lines:
        fill(private_valkey)
        assert not any(works() for _ in range(3))
        with Client.from_url(store().url) as administrator:
            administrator.config_set("maxmemory", "0")
        eventually(works)

    assert [line["event"] for line in lines] == ["redis.unavailable", "redis.back"]


def epoch() -> bytes:
    return call(store().epoch)


def restart(server: Valkey) -> None:
    """Stop the store and start it again with everything that it held."""
    server.stop()
    server.start(server.port)


def test_the_epoch_stays_while_the_store_does() -> None:
    assert epoch() == epoch()


def test_emptying_the_store_ends_the_epoch() -> None:
    before = epoch()
    call(lambda client: client.flushdb())

    assert epoch() != before


def test_starting_the_store_anew_ends_the_epoch_for_the_first_who_reads(
    persistent_valkey: Valkey,
) -> None:
    before = epoch()
    call(lambda client: client.set("kept", "yes"))

    restart(persistent_valkey)  # while nobody asks for anything: no breaker opens

    assert call(lambda client: client.mget(EPOCH, "kept")) == [None, b"yes"]
    assert epoch() != before


def test_finding_the_store_back_ends_the_epoch(
    private_valkey: Valkey, eventually: Eventually
) -> None:
    before = epoch()
    fill(private_valkey)
    with Client.from_url(store().url) as administrator:
        administrator.config_set("maxmemory", "0")
        eventually(works)

        assert administrator.get(EPOCH) != before


def test_who_may_not_ask_for_the_start_takes_every_connection_for_one(
    private_valkey: Valkey,
) -> None:
    with Client.from_url(settings.REDIS_URL) as administrator:
        administrator.acl_setuser("default", enabled=True, nopass=True, commands=["-info"])
        before = epoch()
        administrator.client_kill_filter(_type="normal", skipme=True)

        assert call(lambda client: client.get(EPOCH)) is None
        assert epoch() != before


def test_a_flushed_store_learns_scripts_again() -> None:
    script = Script("return ARGV[1]")
    assert call(lambda client: script.run(client, [], ["a"])) == b"a"

    call(lambda client: client.script_flush())

    assert call(lambda client: script.run(client, [], ["b"])) == b"b"


def test_after_the_rest_exactly_one_caller_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.breaker.REST_SECONDS", 0)
    breaker = Breaker("store")
    breaker.open(ConnectionError("gone"), seen_in_round=0)

    probes = []

    def enter(_: int) -> None:
        with suppress(StoreUnavailableError):
            probes.append(breaker.must_probe())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(enter, range(200)))

    assert probes == [True]


def test_a_straggler_of_one_outage_does_not_begin_the_next() -> None:
    breaker = Breaker("store")
    seen = breaker.round
    breaker.open(ConnectionError("first"), seen_in_round=seen)
    breaker.close()

    breaker.open(ConnectionError("the same outage, told late"), seen_in_round=seen)

    assert breaker.is_closed()


async def test_a_cancelled_probe_leaves_the_way_free_for_the_next(
    private_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.breaker.REST_SECONDS", 0)
    pid = private_valkey.running_pid()
    assert pid
    await acall(lambda client: client.ping())
    store().breaker.open(ConnectionError("gone"), seen_in_round=store().breaker.round)

    os.kill(pid, signal.SIGSTOP)
    probe = asyncio.create_task(acall(lambda client: client.ping()))
    for _ in range(50):  # redis-py swallows a cancellation that meets its look at the socket
        await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    os.kill(pid, signal.SIGCONT)

    assert await acall(lambda client: client.ping())


async def test_more_coroutines_than_connections_wait_for_each_other(
    private_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.redis.MAX_ASYNC_CONNECTIONS", 2)

    async def echo(number: int) -> Any:
        return await acall(lambda client: client.echo(str(number)))

    assert await asyncio.gather(*map(echo, range(40))) == [b"%d" % n for n in range(40)]
    clients = await acall(lambda client: client.client_list())
    assert len([one for one in clients if one["cmd"] in {"echo", "client|list"}]) == 2


async def test_who_waits_for_a_connection_in_vain_is_told(
    private_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.redis.MAX_ASYNC_CONNECTIONS", 1)
    pool: Any = await acall(lambda client: asyncio.sleep(0, client.connection_pool))
    taken = await pool.get_connection()

    with pytest.raises(StoreUnavailableError, match="every connection is taken"):
        await acall(lambda client: client.ping())

    await pool.release(taken)
    assert await pool.get_connection() is taken


async def test_an_answer_nobody_waited_for_is_not_given_to_the_next(
    private_valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.redis.MAX_ASYNC_CONNECTIONS", 1)
    pid = private_valkey.running_pid()
    assert pid
    assert await acall(lambda client: client.echo("first")) == b"first"

    os.kill(pid, signal.SIGSTOP)
    abandoned = asyncio.create_task(acall(lambda client: client.echo("abandoned")))
    for _ in range(50):
        await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    os.kill(pid, signal.SIGCONT)

    assert await acall(lambda client: client.echo("next")) == b"next"


def test_an_error_as_an_answer_leaves_the_connection_in_order(private_valkey: Valkey) -> None:
    call(lambda client: client.set("word", "no list"))
    connection_id = call(lambda client: client.client_id())

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        call(lambda client: client.lpush("word", "item"))

    assert call(lambda client: client.get("word")) == b"no list"
    assert call(lambda client: client.client_id()) == connection_id
