# ACC 24, as two servers that share a folder of keys see it.
import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from os import environ
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.conf import settings

from accounts import key_files
from accounts.models import User
from tests.accounts.test_key_rotation import add_key, file_of
from tests.conftest import PASSWORD
from tests.servers import Server, running

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

ME = "/api/v1/users/me"
SIGN_IN = "/api/v1/auth/token"
REFRESH = "/api/v1/auth/token/refresh"
JWKS = "/.well-known/jwks.json"

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir()
    return made


@pytest.fixture
def two(folder: Path, tmp_path: Path) -> Iterator[list[Server]]:
    """Two servers that share a folder with one key of an hour's age."""
    add_key(folder, age=timedelta(hours=1))
    shared = {"JWT_PRIVATE_KEY_FILES": str(folder), "RATE_LIMITS": "{}"}
    with ExitStack() as stack:
        yield [stack.enter_context(running(tmp_path / name, **shared)) for name in "ab"]


def rotate(folder: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "manage.py", "rotate_keys", "--json", *arguments],
        env={**environ, "JWT_PRIVATE_KEY_FILES": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def sign_in(server: Server, user: User) -> Any:
    response = server.post(SIGN_IN, json={"email": user.email, "password": PASSWORD})
    assert response.status_code == 200, response.text
    return response.json()


def status(server: Server, pair: Any) -> int:
    headers = {"Authorization": f"Bearer {pair['access']}"}
    return int(server.get(ME, headers=headers).status_code)


def kid(pair: Any) -> str:
    return str(jwt.get_unverified_header(pair["access"])["kid"])


def signer(server: Server) -> str:
    return str(server.get(JWKS).json()["keys"][0]["kid"])


def shown(server: Server) -> set[str]:
    return {key["kid"] for key in server.get(JWKS).json()["keys"]}


def make_older(folder: Path, key: str, *, by: timedelta) -> None:
    path = file_of(folder, key)
    moment = key_files.made_at(path) - by
    path.rename(folder / key_files.name_for(key, now=moment))


def test_two_servers_change_keys_and_nobody_is_signed_out(
    two: list[Server], folder: Path, user: User, eventually: Eventually
) -> None:
    a, b = two
    before = sign_in(a, user)
    old = kid(before)

    new = rotate(folder)["kid"]
    assert stat.S_IMODE(file_of(folder, new).stat().st_mode) == 0o600
    for server in two:
        eventually(lambda server=server: shown(server) == {old, new})  # type: ignore[misc]
        assert status(server, before) == 200
        assert kid(sign_in(server, user)) == old  # the new one is too young to sign

    make_older(folder, new, by=key_files.ACTIVATION)
    for server in two:
        eventually(lambda server=server: signer(server) == new)  # type: ignore[misc]
        assert kid(sign_in(server, user)) == new
    after = sign_in(a, user)
    assert [status(server, pair) for server in two for pair in (before, after)] == [200] * 4
    refreshed = b.post(REFRESH, json={"refresh": before["refresh"]}).json()
    assert kid(refreshed) == new

    life = settings.REFRESH_LIFETIME + settings.ACCESS_LIFETIME
    for key in (old, new):
        make_older(folder, key, by=life + timedelta(minutes=2))
    assert len(rotate(folder, "--retire", "--yes")["retired"]) == 1
    for server in two:
        eventually(lambda server=server: old not in shown(server))  # type: ignore[misc]
        assert [status(server, pair) for pair in (before, after, refreshed)] == [401, 200, 200]


def test_a_server_takes_a_token_of_a_key_it_has_not_seen_yet(
    two: list[Server], folder: Path, user: User, eventually: Eventually
) -> None:
    a, b = two
    newer = add_key(folder, age=timedelta(minutes=30))
    eventually(lambda: signer(a) == newer)

    newest = add_key(folder, age=timedelta(minutes=20))
    eventually(lambda: signer(a) == newest)

    assert status(b, sign_in(a, user)) == 200


@pytest.mark.parametrize("what", ["a broken key", "no folder"])
def test_servers_go_on_with_the_last_good_keys_and_say_so(
    two: list[Server], folder: Path, user: User, eventually: Eventually, what: str
) -> None:
    before = sign_in(two[0], user)
    old = kid(before)

    if what == "a broken key":
        newest = key_files.name_for("broken", now=datetime.now(UTC) - timedelta(minutes=30))
        (folder / newest).write_text("hello")
    else:
        folder.rename(folder.with_name("elsewhere"))

    for server in two:
        eventually(lambda server=server: says_so(server))  # type: ignore[misc]
        assert status(server, before) == 200
        assert kid(sign_in(server, user)) == old


def says_so(server: Server) -> bool:
    server.get(JWKS)  # whoever asks for keys makes it look
    return '"event":"keys.unusable"' in server.log.read_text()
