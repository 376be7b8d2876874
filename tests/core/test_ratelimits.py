import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from core import ratelimits
from core.checks import check_rate_limits
from core.embedded.valkey import Valkey
from core.memory_limits import MemoryLimits
from core.ratelimits import Verdict, give_back, hit, limit_header, parse, policy_header
from core.redis import StoreUnavailableError, call

Eventually = Callable[[Callable[[], bool]], None]

TRY_SIXTY_TIMES = """
from core.ratelimits import hit
print(sum(hit("user", "uma").allowed for _ in range(60)))
"""


@pytest.fixture(autouse=True)
def limits(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMITS = {"user": "100/3600", "few": "3/60", "brief": "2/1"}
    monkeypatch.setattr(ratelimits, "_memory", MemoryLimits())
    monkeypatch.setattr(ratelimits, "SCOPES", {**ratelimits.SCOPES})
    ratelimits.register("few")
    ratelimits.register("brief")


def tried(scope: str, key: str = "uma") -> Verdict:
    verdict = hit(scope, key)
    assert verdict
    return verdict


def test_a_scope_without_a_setting_is_off() -> None:
    assert hit("nothing", "uma") is None


def test_verdicts_count_down_and_then_refuse() -> None:
    verdicts = [tried("few") for _ in range(4)]

    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]
    assert [verdict.retry_after_seconds for verdict in verdicts] == [0, 0, 0, 60]
    assert {verdict.reset_seconds for verdict in verdicts} == {60}
    assert verdicts[3].entry == ""


def test_keys_and_scopes_count_apart() -> None:
    tried("few", "uma")
    tried("few", "sam")
    tried("user", "uma")

    assert tried("few", "uma").remaining == 1
    assert tried("few", "sam").remaining == 1
    assert tried("user", "uma").remaining == 98


def test_headers_follow_the_draft() -> None:
    verdict = tried("few")

    assert policy_header(verdict) == '"few";q=3;w=60'
    assert limit_header(verdict) == '"few";r=2;t=60'


# PLT 9
def test_a_hundred_threads_pass_exactly_the_limit(settings: Settings) -> None:
    settings.RATE_LIMITS = {"user": "10/3600"}
    together = threading.Barrier(100)

    def attempt(_: int) -> bool:
        together.wait()
        return tried("user").allowed

    with ThreadPoolExecutor(100) as pool:
        passed = sum(pool.map(attempt, range(100)))

    assert passed == 10


# PLT 9
def test_four_processes_pass_exactly_the_limit() -> None:
    environ = os.environ | {"RATE_LIMITS": json.dumps({"user": "100/3600"})}
    environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", TRY_SIXTY_TIMES], env=environ, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]

    passed = [int(run.communicate()[0]) for run in runs]

    assert sum(passed) == 100


# PLT 9
def test_waiting_as_told_is_enough() -> None:
    tried("brief")
    tried("brief")
    refused = tried("brief")
    assert refused.retry_after_seconds == 1

    threading.Event().wait(refused.retry_after_seconds)

    assert tried("brief").allowed


# PLT 9
def test_waiting_as_told_is_enough_after_the_limit_was_lowered(settings: Settings) -> None:
    settings.RATE_LIMITS = {"user": "5/2"}
    for _ in range(5):
        tried("user")
    settings.RATE_LIMITS = {"user": "2/2"}
    refused = tried("user")
    assert not refused.allowed
    assert refused.remaining == 0

    threading.Event().wait(refused.retry_after_seconds)

    assert tried("user").allowed


def test_refused_tries_do_not_prolong_the_wait() -> None:
    for _ in range(3):
        tried("few")
    first = tried("few")
    for _ in range(50):
        tried("few")

    assert tried("few").retry_after_seconds <= first.retry_after_seconds


def test_a_success_takes_its_reservation_back_once() -> None:
    verdict = tried("few")
    tried("few")

    give_back("few", "uma", verdict)
    give_back("few", "uma", verdict)

    assert tried("few").remaining == 1


@pytest.mark.parametrize("away", [False, True])
def test_several_tries_count_together_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    if away:
        monkeypatch.setattr(ratelimits, "call", _no_store)
    first, refused, rest = (hit("few", "uma", count=count) for count in (2, 2, 1))
    too_many = hit("few", "sam", count=4)

    assert first
    assert refused
    assert rest
    assert too_many
    assert [v.allowed for v in (first, refused, rest, too_many)] == [True, False, True, False]
    assert [v.remaining for v in (first, refused, rest)] == [1, 1, 0]
    assert [v.retry_after_seconds for v in (refused, too_many)] == [60, 60]
    give_back("few", "uma", first)
    assert tried("few").remaining == 1


def _no_store(*_: object) -> None:
    raise StoreUnavailableError


def test_giving_back_a_refusal_changes_nothing() -> None:
    for _ in range(3):
        tried("few")

    give_back("few", "uma", tried("few"))

    assert not tried("few").allowed


def test_fifty_parallel_tries_that_all_fail_never_pass_more_than_the_limit() -> None:
    with ThreadPoolExecutor(50) as pool:
        verdicts = list(pool.map(lambda _: tried("few"), range(50)))

    assert sum(verdict.allowed for verdict in verdicts) == 3


def test_the_store_holds_no_address_and_nothing_for_ever() -> None:
    tried("few", "uma@example.com")

    keys = list(call(lambda client: client.scan_iter("*")))

    assert len(keys) == 1
    assert keys[0].startswith(b"tenantry:limit:few:")
    assert b"uma" not in keys[0]
    assert 0 < call(lambda client: client.pttl(keys[0])) <= 60_000


def test_any_text_can_be_a_key() -> None:
    for key in ("", "\ud800", "\x00", "x" * 100_000, "ü"):
        assert tried("few", key).allowed


def test_without_redis_each_process_still_limits(private_valkey: Valkey) -> None:
    private_valkey.stop()

    verdicts = [tried("few") for _ in range(5)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert verdicts[4].retry_after_seconds == 60


def test_without_redis_a_success_takes_its_reservation_back(private_valkey: Valkey) -> None:
    private_valkey.stop()
    verdict = tried("few")

    give_back("few", "uma", verdict)

    assert tried("few").remaining == 2


def test_without_redis_threads_pass_exactly_the_limit(private_valkey: Valkey) -> None:
    private_valkey.stop()

    with ThreadPoolExecutor(50) as pool:
        passed = sum(pool.map(lambda _: tried("few").allowed, range(200)))

    assert passed == 3


def test_a_hanging_store_is_limited_in_memory(private_valkey: Valkey) -> None:
    pid = private_valkey.running_pid()
    assert pid
    tried("few")

    os.kill(pid, signal.SIGSTOP)
    verdicts = [tried("few") for _ in range(4)]
    os.kill(pid, signal.SIGCONT)

    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]


def test_a_full_store_is_limited_in_memory(private_valkey: Valkey) -> None:
    call(lambda client: client.config_set("maxmemory-policy", "noeviction"))
    call(lambda client: client.config_set("maxmemory", "1"))

    verdicts = [tried("few") for _ in range(4)]

    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False]


def test_redis_counts_again_once_it_is_back(private_valkey: Valkey, eventually: Eventually) -> None:
    private_valkey.stop()
    assert tried("few").entry.startswith("m:")

    private_valkey.start(private_valkey.port)

    eventually(lambda: tried("user").entry.startswith("r:"))


def test_a_flushed_store_begins_anew_and_nothing_fails() -> None:
    for _ in range(4):
        tried("few")

    call(lambda client: (client.flushdb(), client.script_flush()))

    assert tried("few").remaining == 2


def test_memory_forgets_the_keys_used_longest_ago() -> None:
    memory = MemoryLimits(max_stamps=10)
    for number in range(20):
        memory.hit(f"key {number}", limit=2, window=60_000_000)

    assert memory.hit("key 0", limit=2, window=60_000_000)[1] == 1
    assert memory.hit("key 19", limit=2, window=60_000_000)[1] == 2


@pytest.mark.parametrize(
    "value", ["", "10", "0/60", "10/0", "-1/60", "10/60s", "1.5/60", 10, None, []]
)
def test_nonsense_is_told_in_one_line(value: object, settings: Settings) -> None:
    settings.RATE_LIMITS = {"user": value}

    with pytest.raises(ValueError, match="must look like 10/60"):
        parse(value)
    assert [problem.id for problem in check_rate_limits(None)] == ["core.E001"]
    assert "\n" not in str(check_rate_limits(None)[0].msg)


def test_the_settings_that_are_shipped_make_sense(settings: Settings) -> None:
    assert check_rate_limits(None) == []


def test_a_scope_that_nobody_registered_is_told_with_those_that_exist(settings: Settings) -> None:
    settings.RATE_LIMITS = {"sign-in": "10/60"}

    (found,) = check_rate_limits(None)

    assert found.id == "core.E002"
    assert found.msg.startswith("RATE_LIMITS: sign-in is not a scope. Known: address, brief, few")


def test_unavailability_never_reaches_the_caller(settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with pytest.raises(StoreUnavailableError):
        call(lambda client: client.ping())

    verdict = tried("few")
    assert verdict.allowed
    give_back("few", "uma", replace(verdict, entry="r:1"))  # counted before the store went away
