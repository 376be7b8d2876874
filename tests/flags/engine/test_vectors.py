"""What 1000 subjects got of 20 flags once, they get in every version."""

import json
import os
import subprocess
import sys

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
