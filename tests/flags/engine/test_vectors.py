"""What 1000 subjects got of 20 flags once, they get in every version."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flags.engine import unleash
from tests.flags.engine import vectors


def test_everybody_keeps_what_they_got() -> None:  # FLG 1
    held = json.loads(vectors.FILE.read_text())
    flags = unleash.ruleset(held["state"])

    assert (len(flags), len(held["answers"])) == (20, vectors.SUBJECTS)
    for subject, expected in held["answers"]:
        assert vectors.answers(flags, subject) == expected


def test_the_file_covers_both_answers() -> None:
    held = json.loads(vectors.FILE.read_text())
    columns = list(zip(*(row for _, row in held["answers"]), strict=True))

    assert [len(set(column)) for column in columns[3:13]] == [2] * 10
    assert {len(set(column)) for column in columns[16:19]} == {2, 3}
    assert held["state"]["features"] == vectors.features()


def test_another_seed_of_hashes_changes_nothing() -> None:  # FLG 1
    script = "from tests.flags.engine import vectors as v; from flags.engine import unleash; import"
    script += " json; print(json.dumps([v.answers(unleash.ruleset({'features': v.features()}), s)"
    script += " for s in v.subjects()]))"
    words = [sys.executable, "-c", script]
    told = subprocess.run(
        words, env={**os.environ, "PYTHONHASHSEED": "42"}, capture_output=True, check=True
    )
    held = json.loads(vectors.FILE.read_text())

    assert json.loads(told.stdout) == [row for _, row in held["answers"]]


def test_another_language_comes_to_the_same(tmp_path: Path) -> None:  # FLG 1
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    wrong = tmp_path / "wrong.json"
    text = vectors.FILE.read_text()
    wrong.write_text(text.replace('["0", [false', '["0", [true'))

    found = [_verified(file) for file in (vectors.FILE, wrong)]

    assert found == [(0, "20000 answers, 0 differ\n"), (1, "20000 answers, 1 differ\n")]


def _verified(file: Path) -> tuple[int, str]:
    script = str(vectors.FILE.with_name("verify.mjs"))
    done = subprocess.run(["node", script, str(file)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout
