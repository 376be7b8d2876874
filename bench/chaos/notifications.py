"""Ten thousand notifications while everything dies: make bench ARGS=chaos.notifications.

Clients send them over the API, each with an Idempotency-Key, and ask again until that is
acknowledged. Meanwhile servers and the worker are killed, and PostgreSQL and Valkey restarted, in
turn. Then every one that was acknowledged is looked for; it exits with 1 if one is missing, or is
there twice.
"""

import argparse
import asyncio
import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg

from bench.chaos.breaking import answers
from bench.lab.servers import environment
from bench.lab.stores import services
from bench.realtime.stacks import Crowd, prepare
from core.embedded.server import Server
from core.embedded.state import free_port

PEOPLE, SENDERS = 300, 12
LIST_EVERY, LISTED = 100, 150
"""Every hundredth goes to 150 people, which a job does."""
PAUSE_SECONDS = 2.0
"""Between two troubles: from when what was ended answers again."""
REST_SECONDS = 120.0
"""For the worker to finish when all is acknowledged."""
SETTLED = """
select count(*) from procrastinate_jobs where status in ('todo', 'doing')
and task_name not like '%%prune%%' and scheduled_at is null
"""
FOUND = """
select title, count(*), count(distinct user_id) from notifications_notification
where title like 'No. %' group by title
"""


@dataclass
class Chaos:
    variables: dict[str, str]
    stores: list[Server]
    crowd: Crowd
    total: int
    ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    acknowledged: set[int] = field(default_factory=set)
    is_over: bool = False

    def run(self) -> None:
        for name in self.commands:
            self.start(name)
        trouble = threading.Thread(target=self.make_trouble)
        trouble.start()
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(self.send, range(self.total)))
        self.is_over = True
        trouble.join()

    # -- Sending -----------------------------------------------------------------------------------

    def send(self, number: int) -> None:
        key = str(uuid4())
        while True:
            status = self.post(self.body(number), key)
            if status in {201, 202}:
                self.acknowledged.add(number)
                return
            self.counts[f"answers of {status or 'nobody'}"] += 1
            time.sleep(random.uniform(0.05, 0.3))

    def body(self, number: int) -> bytes:
        people = self.crowd.people
        first = number % len(people)
        chosen = (people * 2)[first : first + recipients(number)]
        return json.dumps({"title": f"No. {number}", "user_ids": chosen}).encode()

    def post(self, body: bytes, key: str) -> int:
        """Return the status, or 0 where no answer came."""
        client = http.client.HTTPConnection("127.0.0.1", random.choice(self.ports), timeout=15)
        organization = self.crowd.channel.partition(":")[2]
        headers = {
            "Authorization": f"Bearer {self.crowd.tokens[0]}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            client.request(
                "POST", f"/api/v1/organizations/{organization}/notifications", body, headers
            )
            return client.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            client.close()

    # -- Trouble -----------------------------------------------------------------------------------

    @property
    def commands(self) -> dict[str, list[str]]:
        serve = ["serve", "--exit-with-parent", "--port"]
        worker = ["worker", "--exit-with-parent"]
        servers = {name: [*serve, str(port)] for name, port in self.servers.items()}
        return servers | {"the worker": worker}

    @property
    def servers(self) -> dict[str, int]:
        return dict(zip(("a server", "another"), self.ports, strict=True))

    def start(self, name: str) -> None:
        log = Path(self.variables["TENANTRY_HOME"], "chaos.log")
        with log.open("ab") as output:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "manage.py", *self.commands[name]],
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def make_trouble(self) -> None:
        while not self.is_over:
            for name in self.commands:
                self.kill(name)
            for store in self.stores:
                self.restart(store)

    def kill(self, name: str) -> None:
        time.sleep(PAUSE_SECONDS)
        self.processes[name].kill()
        self.processes[name].wait()
        self.start(name)
        if name in self.servers:
            asyncio.run(answers(self.servers[name]))
        self.counts[f"{name} killed"] += 1

    def restart(self, store: Server) -> None:
        time.sleep(PAUSE_SECONDS)
        port = store.port
        store.stop()
        time.sleep(random.uniform(0.0, 1.0))
        store.start(port)
        self.counts[f"{store.name} restarted"] += 1

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
            process.wait()


def recipients(number: int) -> int:
    return LISTED if number % LIST_EVERY == 0 else 1


def settle(database_url: str) -> None:
    """Wait until no job is left."""
    deadline = time.monotonic() + REST_SECONDS
    with psycopg.connect(database_url, autocommit=True) as database:
        while time.monotonic() < deadline:
            (left,) = database.execute(SETTLED).fetchone() or (0,)
            if left == 0:
                return
            time.sleep(0.5)
    print(f"{left} jobs are left")


def judge(database_url: str, acknowledged: set[int]) -> Counter[str]:
    """Count what is missing or doubled, each by its recipients."""
    with psycopg.connect(database_url) as database:
        rows = database.execute(FOUND).fetchall()
    found = {int(title.removeprefix("No. ")): (count, people) for title, count, people in rows}
    judged: Counter[str] = Counter({"missing": 0, "doubled": 0})
    for number in acknowledged:
        count, people = found.get(number, (0, 0))
        judged["missing"] += recipients(number) - people
        judged["doubled"] += count - people
        judged["found"] += people
    judged["never acknowledged"] = len(found.keys() - acknowledged)
    return judged


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end as Ctrl-C does
    with services(durable=True) as (running, addresses), ExitStack() as stack:
        variables = environment(addresses) | {"LOG_LEVEL": "WARNING"}
        chaos = Chaos(
            variables, running.servers, prepare(variables, clients=PEOPLE), options.messages
        )
        stack.callback(chaos.stop)
        started = time.monotonic()
        chaos.run()
        print(f"{len(chaos.acknowledged)} acknowledged in {time.monotonic() - started:.0f} s")
        settle(variables["DATABASE_URL"])
        judged = judge(variables["DATABASE_URL"], chaos.acknowledged)
    for name, count in [*sorted(chaos.counts.items()), *judged.items()]:
        print(f"{count:>8}  {name}")
    return 1 if judged["missing"] or judged["doubled"] else 0


if __name__ == "__main__":
    sys.exit(main())
