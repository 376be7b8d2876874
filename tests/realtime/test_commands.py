"""Commands about connections, beside two running servers. PLT 23."""

from contextlib import ExitStack
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from core.embedded.valkey import Valkey
from organizations.models import Organization
from realtime import census
from tests.conftest import make_user
from tests.core.conftest import private_valkey as private_valkey
from tests.servers import Server, running
from tests.shell import exit_of
from tests.sockets import access, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

OURS = ["broadcast", "ws_kick", "ws_stats"]


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    call_command(*words, "--json")
    return orjson.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", OURS)
def test_it_explains_itself_and_refuses_what_it_does_not_know(name: str) -> None:
    explained = exit_of(name, "--help")
    refused = exit_of(name, "--nonsense")

    assert explained.returncode == 0
    assert explained.stdout.startswith(f"usage: manage.py {name}")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["broadcast", "--everybody", "--event", "No Name"], 2),
        (["broadcast", "--everybody", "--event", "news", "--data", "{"], 2),
        (["broadcast", "--everybody"], 2),
        (["broadcast", "--everybody", "--user", "uma@example.com", "--event", "news"], 2),
        (["broadcast", "--user", "nobody@example.com", "--event", "news"], 1),
        (["broadcast", "--channel", "weather:1", "--event", "news"], 1),
        (["ws_kick"], 2),
        (["ws_kick", "--everybody"], 2),  # nobody there to say yes
        (["ws_kick", "--everybody", "--end-session"], 2),
        (["ws_kick", "--session", "nonsense"], 2),
        (["ws_kick", "--organization", "nothing"], 1),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_in_one_line(words: list[str], code: int) -> None:
    with pytest.raises(CommandError) as told:
        call_command(*words)

    assert told.value.returncode == code
    assert len(str(told.value).splitlines()) == 1


def test_a_broadcast_reaches_whom_it_names(
    servers: tuple[Server, Server],
    uma: User,
    acme: Organization,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with signed_in(servers[0], access(uma)) as here:
        here.ask("subscribe", channel="system")
        here.ask("subscribe", channel=f"organization:{acme.pk}")
        ids = [
            told(capsys, "broadcast", *whom, "--event", "news", "--data", '{"n": 1}')["id"]
            for whom in (
                ["--user", uma.email],
                ["--organization", "acme"],
                ["--everybody"],
                ["--channel", f"organization:{acme.pk}"],
            )
        ]
        heard = [here.hear() for _ in ids]

    assert [frame["id"] for frame in heard] == ids
    assert [frame["channel"].partition(":")[0] for frame in heard] == [
        "user", "organization", "system", "organization",
    ]  # fmt: skip
    assert {orjson.dumps(frame["data"]) for frame in heard} == {b'{"n":1}'}


def test_statistics_tell_of_every_process_and_of_no_killed_one(
    servers: tuple[Server, Server],
    uma: User,
    acme: Organization,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token, channel = access(uma), f"organization:{acme.pk}"
    other = access(make_user("sam@example.com"))

    with (
        running(tmp_path_factory.mktemp("logs") / "third") as third,
        ExitStack() as stack,
    ):
        here, there, *_ = [
            stack.enter_context(signed_in(server, who))
            for server, who in [
                (servers[0], token), (servers[1], token), (servers[1], other), (third, other),
            ]
        ]  # fmt: skip
        for each in (here, there):
            each.ask("subscribe", channel=channel)
        found = told(capsys, "ws_stats")
        pids = {each["pid"]: each["connections"] for each in found["processes"]}
        assert found["connections"] == 4
        assert pids == {servers[0].process.pid: 1, servers[1].process.pid: 2, third.process.pid: 1}
        assert found["users"][str(uma.pk)] == 2
        assert found["channels"] == {channel: 2}

        third.process.kill()
        third.process.wait()
        silent = told(capsys, "ws_stats")
        assert (silent["connections"], silent["silent"]) == (4, 1)  # as far as is known
        _run_out(found, third)
        assert told(capsys, "ws_stats")["connections"] == 3


def _run_out(found: Any, killed: Server) -> None:
    """Let a minute pass for what a killed process reported."""
    (process,) = [
        each["process"] for each in found["processes"] if each["pid"] == killed.process.pid
    ]
    census.withdraw(process)


def test_kicking_closes_whom_it_names_and_nobody_else(
    servers: tuple[Server, Server],
    uma: User,
    acme: Organization,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token, sam = access(uma), access(make_user("sam@example.com"))

    with signed_in(servers[0], sam) as bystander:
        for whom in ("user", "organization", "session", "connection"):
            with signed_in(servers[0], token) as here, signed_in(servers[1], token) as there:
                for each in (here, there):
                    each.ask("subscribe", channel=f"organization:{acme.pk}")
                name = {
                    "user": uma.email,
                    "organization": "acme",
                    "session": here.welcome["session_id"],
                    "connection": here.welcome["connection_id"],
                }[whom]
                count = 1 if whom == "connection" else 2
                dry = told(capsys, "ws_kick", f"--{whom}", name, "--dry-run")
                assert (dry["connections"], dry["dry_run"]) == (count, True)
                assert here.ask("ping")["type"] == "pong"
                assert told(capsys, "ws_kick", f"--{whom}", name)["connections"] == count
                assert here.close_code() == 1012
                assert count == 1 or there.close_code() == 1012
        assert bystander.ask("ping")["type"] == "pong"

        with signed_in(servers[1], token) as here:
            session = here.welcome["session_id"]
            told(capsys, "ws_kick", "--session", session, "--end-session")
            assert here.close_code() == 4401


def test_without_redis_it_says_so(private_valkey: Valkey, db: None) -> None:
    private_valkey.stop()

    for words in (["ws_stats"], ["ws_kick", "--everybody", "--yes"]):
        with pytest.raises(CommandError, match="Redis can't be reached"):
            call_command(*words)
