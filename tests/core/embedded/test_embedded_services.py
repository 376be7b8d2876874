import os
import pwd
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from redis import Redis

from core.embedded import places, processes, state
from core.embedded.postgres import Postgres
from core.embedded.services import Services
from core.embedded.valkey import Valkey

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def pids(services: Services) -> list[int]:
    return [server.running_pid() or 0 for server in services.servers]


def query(database_url: str, statement: str) -> object:
    with psycopg.connect(database_url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert processes.wait_for_end(pid, patience_seconds=20)


def test_both_stores_answer_at_their_addresses(services: Services) -> None:
    addresses = services.start()

    assert query(addresses.database_url, "SELECT current_user, current_database()") == [
        ("postgres", "tenantry")
    ]
    with Redis.from_url(addresses.redis_url) as client:
        assert client.ping()


def test_stopping_leaves_no_process(services: Services) -> None:
    services.start()
    started = pids(services)

    services.stop()

    assert all(started)
    assert not any(processes.is_alive(pid) for pid in started)


def test_stopping_twice_is_harmless(services: Services) -> None:
    services.start()

    services.stop()
    services.stop()

    assert pids(services) == [0, 0]


def test_only_the_wanted_stores_are_started(home: Path) -> None:
    services = Services(home, durable=False, postgres=False)

    services.start()

    assert [server.name for server in services.servers] == ["Valkey"]
    assert Postgres(home, durable=False).running_pid() is None
    services.stop()


def test_what_still_runs_is_adopted(services: Services, home: Path) -> None:
    addresses = services.start()
    running = pids(services)
    later = Services(home, durable=False)

    assert later.start() == addresses

    assert pids(later) == running
    later.stop()
    assert not any(processes.is_alive(pid) for pid in running)


def test_durable_data_survives_a_stop_and_a_kill(home: Path) -> None:
    services = Services(home, durable=True)
    addresses = services.start()
    query(addresses.database_url, "CREATE TABLE kept AS SELECT 7 AS number")
    with Redis.from_url(addresses.redis_url) as client:
        client.set("kept", "7")

    services.stop()
    services.start()
    kill(pids(services)[0])
    services.start()

    assert query(addresses.database_url, "TABLE kept") == [(7,)]
    with Redis.from_url(addresses.redis_url) as client:
        assert client.get("kept") == b"7"
    services.stop()


def test_a_stale_pid_file_with_the_number_of_a_stranger_does_not_block(
    services: Services,
) -> None:
    services.start()
    services.stop()
    for server in services.servers:
        server.pid_file.write_text(f"{os.getpid()}\n{server.data}\n")

    addresses = services.start()

    assert query(addresses.database_url, "SELECT 1") == [(1,)]
    assert os.getpid() not in pids(services)


def test_an_empty_pid_file_does_not_block(services: Services) -> None:
    services.start()
    services.stop()
    for server in services.servers:
        server.pid_file.write_text("")

    assert query(services.start().database_url, "SELECT 1") == [(1,)]


def test_the_pid_file_of_a_zombie_does_not_block(services: Services) -> None:
    services.start()
    server = services.servers[0]
    zombie = server.running_pid() or 0
    os.kill(zombie, signal.SIGKILL)
    os.waitid(os.P_PID, zombie, os.WEXITED | os.WNOWAIT)

    later = Services(services.folder, durable=False)
    assert query(later.start().database_url, "SELECT 1") == [(1,)]
    later.stop()


def test_a_port_somebody_took_is_replaced_and_written_down(home: Path, services: Services) -> None:
    before = state.read(home)
    with socket.create_server(("127.0.0.1", before.postgres)):
        addresses = services.start()

    after = state.read(home)
    assert after.postgres != before.postgres
    assert after.valkey == before.valkey
    assert addresses == after.addresses
    assert query(addresses.database_url, "SELECT 1") == [(1,)]


def test_a_running_server_is_found_though_the_state_was_lost(services: Services) -> None:
    addresses = services.start()
    running = pids(services)
    (services.folder / "services.json").unlink()

    assert Services(services.folder, durable=False).start() == addresses

    assert pids(services) == running


def test_an_interrupted_initialization_is_done_again(home: Path) -> None:
    (home / "postgres" / "draft").mkdir(parents=True)
    (home / "postgres" / "draft" / "PG_VERSION").write_text("18\n")
    services = Services(home, durable=False, valkey=False)

    assert query(services.start().database_url, "SELECT 1") == [(1,)]

    services.stop()


def test_a_dropped_database_is_made_again(services: Services) -> None:
    addresses = services.start()
    query(addresses.database_url.replace("/tenantry", "/postgres"), "DROP DATABASE tenantry")

    assert query(services.start().database_url, "SELECT 1") == [(1,)]


def test_nobody_from_outside_can_reach_the_stores(services: Services) -> None:
    addresses = services.start()

    assert query(addresses.database_url, "SHOW listen_addresses") == [("127.0.0.1",)]
    with Redis.from_url(addresses.redis_url) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_a_failed_start_leaves_nothing_and_says_where_the_log_is(home: Path) -> None:
    services = Services(home, durable=True)
    services.start()
    services.stop()
    (services.servers[0].data / "PG_VERSION").write_text("9\n")

    with pytest.raises(RuntimeError, match=rf"^PostgreSQL did not start: .*{home}/logs/postgres"):
        services.start()

    assert pids(services) == [0, 0]


def test_tests_trade_durability_for_speed_and_development_does_not(home: Path) -> None:
    quick = Postgres(home, durable=False).command(None)
    safe = Postgres(home, durable=True).command(None)

    assert "fsync=off" in quick
    assert "fsync=off" not in safe
    assert Valkey(home, durable=True).command(None)[-2:] == ["--appendonly", "yes"]


@as_root
def test_roots_servers_run_as_somebody_else(services: Services) -> None:
    services.start()

    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in pids(services)}

    assert 0 not in owners


@as_root
def test_root_keeps_the_data_elsewhere_when_its_own_folder_is_closed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    (home / "shelter").mkdir(mode=0o711)
    monkeypatch.setattr(places, "SHELTER", home / "shelter")
    services = Services(closed, durable=True)
    query(services.start().database_url, "CREATE TABLE kept ()")
    services.stop()

    found = query(services.start().database_url, "SELECT count(*) FROM kept")

    assert found == [(0,)]
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (closed / "postgres").resolve().parent == home / "shelter"
    services.discard()
    assert not list((home / "shelter").iterdir())


@as_root
def test_an_ordinary_user_needs_nothing_special(home: Path) -> None:
    # Imported as root: the interpreter may lie where the other user cannot go.
    script = """
import encodings.idna, os, sys
from pathlib import Path
from core.embedded.services import Services
os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
services = Services(Path(sys.argv[1]), durable=True)
services.start()
print(*{Path(f"/proc/{server.running_pid()}").stat().st_uid for server in services.servers})
services.stop()
"""
    folder = home / "theirs"
    folder.mkdir()
    uid = pwd.getpwnam("daemon").pw_uid  # initdb wants one that has a name
    os.chown(folder, uid, uid)
    words = [sys.executable, "-c", script, str(folder), str(uid)]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == (f"{uid}\n", "")
