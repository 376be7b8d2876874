import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from core.embedded import state
from core.embedded.errors import EmbeddedError
from core.errors import ConfigurationError


def test_the_addresses_are_on_the_loopback_interface(tmp_path: Path) -> None:
    state.write(tmp_path, state.Ports(postgres=5001, valkey=5002))

    found = state.addresses(tmp_path)

    assert found.database_url == "postgres://postgres@127.0.0.1:5001/tenantry"
    assert found.redis_url == "redis://127.0.0.1:5002/0"


def test_the_addresses_stay_the_same(tmp_path: Path) -> None:
    assert state.addresses(tmp_path) == state.addresses(tmp_path)


def test_all_who_ask_first_at_once_get_the_same_addresses(tmp_path: Path) -> None:
    together = Barrier(8)

    def ask(_: int) -> state.Addresses:
        together.wait()
        return state.addresses(tmp_path / "new")

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8)))

    assert len(answers) == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"postgres": 5001}', '{"postgres": null}'])
def test_a_file_nobody_can_read_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "services.json").write_text(content)

    ports = state.read(tmp_path)

    assert json.loads((tmp_path / "services.json").read_text()) == {
        "postgres": ports.postgres,
        "valkey": ports.valkey,
    }


def test_the_two_ports_differ(tmp_path: Path) -> None:
    ports = state.read(tmp_path)

    assert ports.postgres != ports.valkey


def test_a_folder_that_cannot_be_written_is_named_in_one_line(tmp_path: Path) -> None:
    obstacle = tmp_path / "file"
    obstacle.touch()

    with pytest.raises(EmbeddedError) as refusal:
        state.addresses(obstacle / ".tenantry")

    assert str(refusal.value) == (
        f"Tenantry cannot write to {obstacle}/.tenantry: Not a directory."
    )
    # manage.py shows these as one line, also when settings ran into it.
    assert isinstance(refusal.value, ConfigurationError)
