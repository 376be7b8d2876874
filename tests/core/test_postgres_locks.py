import re
from pathlib import Path

from core.postgres.locks import AdvisoryLock

ROOT = Path(__file__).resolve().parents[2]


def test_no_two_locks_have_one_key() -> None:  # PLT 24
    assert len(AdvisoryLock.__members__) == len(set(AdvisoryLock)) == len(AdvisoryLock)


def test_every_key_stands_with_the_others() -> None:
    prefix = re.compile("74_?65_?6e_?61", re.IGNORECASE)
    named = {
        str(path.relative_to(ROOT))
        for room in ("accounts", "config", "core")
        for path in (ROOT / room).rglob("*.py")
        if prefix.search(path.read_text())
    }

    assert named == {"core/postgres/locks.py"}
    assert all(key >> 16 == int.from_bytes(b"tena", "big") for key in AdvisoryLock)
