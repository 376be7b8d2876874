from pathlib import Path

import pytest

from core.embedded.errors import AlreadyRunningError
from core.embedded.locks import hold


def test_whoever_may_not_wait_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "lock"

    with (
        hold(lock, note="process 7"),
        pytest.raises(AlreadyRunningError, match="process 7"),
        hold(lock, wait=False),
    ):
        pass


def test_a_lock_given_back_can_be_taken_again(tmp_path: Path) -> None:
    with hold(tmp_path / "lock", wait=False, note="first"):
        pass

    with hold(tmp_path / "lock", wait=False, note="2nd"):
        assert (tmp_path / "lock").read_text() == "2nd"
