"""Sockets in one process, by their number: members of one organization who hear its channel."""

import json
import os
import time
from pathlib import Path
from statistics import median

from bench.growth.paths import LEVEL, LINEAR, Lines
from bench.realtime.sockets import PATIENCE_SECONDS, Client, Clients, raise_limit, stamps
from bench.realtime.stacks import Ours, Publisher, Server, prepare
from bench.realtime.stacks import ours as our_stack
from bench.realtime.turns import PERSONAL, PERSONAL_PAUSE_SECONDS, Turn

IDLE_SECONDS = 30.0
"""Longer than the 25 s after which the server pings each."""
WARM, ENOUGH = 20, 1_000
"""Sockets that come and go first: what a process takes once belongs to no socket. And how many it
takes to tell what one of them does.
"""
WINDOWS_SECONDS = 2.0
ASKING = 5


def measure(counts: list[int]) -> Lines:
    raise_limit()
    lines, variables = Lines(), dict(os.environ)
    ours = our_stack(prepare(variables, clients=max(counts)))
    log = Path(variables["TENANTRY_HOME"], "sockets.log")
    for count in counts:
        with (
            Server(ours, variables, log).wait_until_ready() as server,
            Publisher(ours, variables, log) as publisher,
        ):
            turn = Turn(server, publisher)
            try:
                one_size(turn, count, lines, ours.crowd.channel)
            finally:
                turn.clients.close()
        assert not turn.lost, turn.lost
    return lines


def one_size(turn: Turn, count: int, lines: Lines, channel: str) -> None:
    turn.open(WARM)
    turn.broadcast(1)
    turn.clients.close()
    turn.clients.listen(1.0)
    opened = turn.open(count)
    if count >= ENOUGH:
        lines.note("memory of a socket", count, opened["kib"], "KiB", LEVEL)
    lines.note("a broadcast, to the last", count, last(turn), "ms", LINEAR)
    flow = turn.throughput(WINDOWS_SECONDS)
    lines.note("a message, CPU", count, flow["cpu_us"], "µs", LEVEL, is_drawn=False)
    lines.note("one person's message, p50", count, personal(turn), "ms", LEVEL)
    lines.note("the list of who is there", count, presence(turn, channel), "ms", LINEAR)
    used = turn.server.cpu_seconds()
    turn.clients.listen(IDLE_SECONDS)
    spent = (turn.server.cpu_seconds() - used) / IDLE_SECONDS * 1e3
    lines.note("a second of idling, CPU", count, max(spent, 0.1), "ms", LINEAR)


def last(turn: Turn) -> float:
    return next(iter(turn.last_client().values()))


def personal(turn: Turn) -> float:
    """Say something to people who have a socket; return the median of how long it takes."""
    people = [turn.stack.person(number) for number in range(min(len(turn.clients.all), Ours.ALONE))]
    total = turn.clients.messages + PERSONAL
    turn.publisher.order(PERSONAL, people=people, pause=PERSONAL_PAUSE_SECONDS)
    turn.hear(total)
    times = [read - sent for each in turn.clients.all for _, sent, read in stamps(each)]
    turn.clients.forget_what_was_heard()
    return median(times) / 1e6


def presence(turn: Turn, channel: str) -> float:
    """Ask who is there, one after the other; return the median of the ms until one is told."""
    words = {"type": "presence", "channel": channel, "ref": 2}
    times = [told_after(turn.clients, each, words) for each in turn.clients.all[:ASKING]]
    return median(times) * 1e3


def told_after(clients: Clients, asking: Client, words: dict[str, object]) -> float:
    asking.is_ready, asking.answer = False, b'"type":"presence"'
    clients.ready -= 1
    started = time.perf_counter()
    clients.say(asking, json.dumps(words).encode())
    while not asking.is_ready:
        if not clients.poll(PATIENCE_SECONDS):
            raise RuntimeError("nobody was told who is there")
    return time.perf_counter() - started
