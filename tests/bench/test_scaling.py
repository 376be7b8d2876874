"""The arithmetic and the simulations behind the page on scaling hold what is known otherwise."""

import argparse
import random
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings

from accounts import prunes
from bench.lab.publish import left_by
from bench.lab.report import number
from bench.scaling import arithmetic, layer, partitions, replicas, shown, usage, workers
from bench.scaling.costs import Costs, Reports, load
from bench.scaling.usage import Usage
from notifications.kinds import Kind
from realtime import trimming
from realtime.delivery import group_of
from realtime.hub import GROUP
from realtime.layer import HubChannelLayer

JOBS = 20_000


# -- Arithmetic ------------------------------------------------------------------------------------
def test_twice_the_users_are_twice_the_rows_and_the_load() -> None:
    one, two = Usage(users=100_000), Usage(users=200_000)
    costs = Costs()

    for compute in (arithmetic.rows, lambda use: arithmetic.data_bytes(use, costs)):
        single, double = compute(one), compute(two)
        assert double == pytest.approx({name: 2 * value for name, value in single.items()})
    for part in (arithmetic.load, lambda use: arithmetic.stores(use, costs)):
        single, double = vars(part(one)), vars(part(two))
        assert double == pytest.approx({name: 2 * value for name, value in single.items()})


def test_a_day_has_as_many_requests_as_people_make() -> None:
    use = Usage(users=1_000, peak=1.0)

    a_day = arithmetic.load(use).requests * arithmetic.DAY

    assert a_day == pytest.approx(1_000 * 0.3 * 2 * 60)


def test_nothing_is_kept_longer_than_there_was_time_for() -> None:
    young, old = Usage(users=1_000, years=0.1), Usage(users=1_000, years=30)
    grown = arithmetic.rows(old)

    assert arithmetic.rows(young)["audit entries"] == pytest.approx(1_000 * 0.3 * 36.5)
    assert grown["audit entries"] == 1_000 * 0.3 * arithmetic.AUDIT_DAYS
    assert grown["streams of people"] == 1_000 * 3 * 0.3 * arithmetic.STREAM_DAYS


def test_what_the_arithmetic_takes_for_granted_is_what_the_code_does() -> None:
    usual = Kind("usual", "")
    sessions = settings.REFRESH_LIFETIME + prunes.SESSIONS_KEPT_FOR

    assert (usual.read_days, usual.unread_days) == (arithmetic.READ_DAYS, arithmetic.UNREAD_DAYS)
    assert arithmetic.AUDIT_DAYS == settings.AUDIT_RETENTION_DAYS
    assert sessions.days == arithmetic.SESSION_DAYS
    assert arithmetic.STREAM_KEPT == trimming.KEPT
    assert arithmetic.STREAM_DAYS == settings.REALTIME_HISTORY_DAYS
    assert arithmetic.THREADS == settings.WEB_THREADS
    assert arithmetic.CONCURRENCY == settings.WORKER_CONCURRENCY
    assert partitions.BATCH == 1_000


def test_more_of_anything_never_costs_less() -> None:
    costs = Costs()
    bills = [arithmetic.plan(Usage(users=10.0**n), costs).cost for n in range(2, 9)]

    assert bills == sorted(bills)
    busy = Usage(users=1e6, requests_per_hour=600)
    assert arithmetic.plan(busy, costs).web > arithmetic.plan(Usage(users=1e6), costs).web


def test_every_assumption_can_be_changed() -> None:
    parser = argparse.ArgumentParser()
    usage.add_options(parser)
    words = [w for each in usage.assumptions() for w in (usage.option(each), "7")]

    chosen = usage.from_options(parser.parse_args(words), users=1)

    assert {getattr(chosen, each.name) for each in usage.assumptions()} == {7.0}


def test_a_limit_is_reached_at_the_number_of_users_that_it_names() -> None:
    costs = Costs()
    told = {what: many for many, what in shown.limits_table(Usage(users=1e7), costs).rows}
    users = float(told["one Valkey, whose commands run on one core"].replace(" ", ""))

    busy = arithmetic.stores(Usage(users=users), costs).valkey_cores

    assert busy == pytest.approx(Usage(users=1).utilization, rel=0.01)


def test_a_table_shows_what_was_computed_for_each_size() -> None:
    uses = [Usage(users=users) for users in shown.SIZES]

    table = shown.sizes_table(uses, Costs())

    (requests,) = (row for row in table.rows if row[0] == "requests/s")
    assert requests[1:] == [number(arithmetic.load(use).requests) for use in uses]
    assert {len(row) for row in table.rows} == {1 + len(uses)}
    (disk,) = (row for row in shown.disk_table(uses, Costs()).rows if row[0] == "memberships")
    assert disk[1].startswith("1 200, ")


# -- Costs -----------------------------------------------------------------------------------------
def test_a_published_figure_is_taken_and_what_is_not_published_stays() -> None:
    published: Reports = {
        "http": {"notifications_page": {"cpu_us": 1234.0}},
        "jobs": {"rounds": {"ours": [{"worker_cpu_us": n} for n in (1.0, 9.0, 3.0)]}},
    }

    costs = load(published)

    assert costs.read_cpu_us == 1234.0
    assert costs.job_cpu_us == 3.0  # the median of the rounds
    assert costs.socket_kib == Costs().socket_kib


def test_what_a_section_leaves_beside_its_report_is_published_with_it(tmp_path: Path) -> None:
    for name in ("scaling", "scaling_layer", "scalings", "http"):
        (tmp_path / f"{name}.json").touch()

    assert [path.stem for path in left_by("scaling", tmp_path)] == ["scaling", "scaling_layer"]


# -- Workers ---------------------------------------------------------------------------------------
def test_erlangs_c_of_small_cases() -> None:
    assert workers.erlang_c(0.7, 1.0, 1) == pytest.approx(0.7)
    assert workers.erlang_c(1.0, 1.0, 2) == pytest.approx(1 / 3)
    assert workers.erlang_c(8.0, 1.0, 10) == pytest.approx(0.4092, abs=1e-4)


def test_simulated_waits_are_those_of_erlang() -> None:
    rate, service, slots = 64.0, 0.2, 16
    chance = random.Random(1)

    seen = workers.simulate(
        workers.poisson(rate, random.Random(2)), service, slots, chance, jobs=60_000
    )

    assert seen.mean == pytest.approx(workers.mean_wait(rate, service, slots), rel=0.1)
    assert workers.share_waiting_longer(rate, service, slots, seen.p99) == pytest.approx(
        0.01, rel=0.25
    )
    assert seen.busy == pytest.approx(0.8, rel=0.02)


def test_bursts_bring_as_many_jobs_and_longer_waits() -> None:
    moments = list(islice(workers.bursty(50.0, random.Random(3)), 200_000))
    found = workers.by_processes(50.0, 0.2, [2], concurrency=8, jobs=(JOBS, JOBS))

    assert moments == sorted(moments)
    assert len(moments) / moments[-1] == pytest.approx(50.0, rel=0.1)
    ((_, even),), ((_, burst),) = found["evenly"], found["in bursts"]
    assert burst.p99 > 10 * even.p99


def test_a_simulation_is_repeatable() -> None:
    first, second = (workers.by_processes(50.0, 0.2, [2, 3], concurrency=8, jobs=(JOBS, JOBS))
                     for _ in range(2))  # fmt: skip

    assert first == second


# -- Replicas --------------------------------------------------------------------------------------
def test_pinned_reads_are_those_of_the_known_answer_and_more_in_clusters() -> None:
    def simulated(*, clustered: bool) -> float:
        return replicas.simulate_pinned(
            1 / 60, 0.15, 30.0, actions=40_000, clustered=clustered, seed=4
        )

    even = simulated(clustered=False)

    assert even == pytest.approx(replicas.pinned_share(0.15 / 60, 30.0), rel=0.1)
    assert simulated(clustered=True) > 2 * even
    assert simulated(clustered=False) == even


def test_replicas_help_until_the_primary_has_only_writes() -> None:
    one = replicas.Shares(writes=0.2, reads=0.8, pinned=0.25)

    assert one.most_users(0, cores=10) == pytest.approx(10)
    assert one.most_users(2, cores=10) == pytest.approx(25)
    assert one.most_users(50, cores=10) == pytest.approx(25)


def test_a_replica_that_can_not_keep_up_is_endlessly_behind() -> None:
    half, much = (replicas.lag_seconds(replicas.REPLAY_BYTES * use, piece=5000) for use in (0.5, 1))

    assert 0.001 < half < 0.002
    assert much == float("inf")


# -- The channel layer -----------------------------------------------------------------------------
def test_organizations_go_to_the_host_that_the_channel_layer_chooses() -> None:
    hosts = HubChannelLayer([f"redis://127.0.0.1:{port}/0" for port in range(1, 9)])
    seen = set()
    for place in range(50):
        stream = f"organization:{layer.organization(place)}"
        assert UUID(layer.organization(place)).version == 7
        host = hosts._store_index(GROUP + group_of(stream))
        assert layer.host_of(place, 8) == host
        seen.add(host)

    assert seen == set(range(8))


def test_messages_reach_as_many_processes_as_is_known() -> None:
    assert layer.processes_reached(1, 8) == pytest.approx(1)
    seen = layer.simulate_reached(20, 16, rounds=3_000)
    assert seen == pytest.approx(layer.processes_reached(20, 16), rel=0.02)


def test_sizes_have_the_mean_that_was_asked_for_and_the_bias_that_is_known() -> None:
    use = Usage(users=1e7)
    members = layer.sizes(200_000, mean=use.members, spread=use.spread)

    assert sum(members) / len(members) == pytest.approx(use.members, rel=0.03)
    speakers = sum(size * size for size in members) / sum(members)
    assert speakers == pytest.approx(use.members_of_a_speaker, rel=0.1)


def test_the_busiest_host_is_further_from_the_mean_the_more_there_are() -> None:
    members = layer.sizes(2_000, mean=20, spread=1.2)
    spread = [
        layer.spread_of(members, hosts=hosts, processes=8, online_share=0.1).hottest_over_mean
        for hosts in (1, 4, 32)
    ]

    assert spread[0] == pytest.approx(1)
    assert spread == sorted(spread)


# -- Partitions ------------------------------------------------------------------------------------
def test_a_month_begins_with_its_first_id() -> None:
    edges = [UUID(partitions.edge(month)) for month in range(3)]

    assert [edge.int >> 80 for edge in edges] == [
        partitions.FIRST_MS + month * partitions.MONTH_MS for month in range(3)
    ]


def test_pages_that_many_rows_change() -> None:
    assert partitions.touched(1_000, 1) == pytest.approx(1)
    assert partitions.touched(10, 1_000) == pytest.approx(10)
