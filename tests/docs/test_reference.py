"""docs/reference says what the code says, and the step of `make check` notices when it does not."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import APPS, ROOT

COPIED = [*APPS, "config", "deploy", "docs/reference"]

Change = Callable[[str, str, str], None]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


@pytest.fixture
def change(checkout: Path) -> Change:
    def replace(file: str, old: str, new: str) -> None:
        text = (checkout / file).read_text(encoding="utf-8")
        assert old in text
        (checkout / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


def reference(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "deploy/reference.py", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pages_say_what_the_code_says() -> None:
    done = reference(ROOT, "--check")

    assert done.stderr == ""
    assert done.returncode == 0


CHANGES = [
    ("config/settings.py", '"WEB_THREADS", default=12', '"WEB_THREADS", default=13'),
    ("config/settings.py", "default=0 if DEVELOPMENT else 5", "default=1 if DEVELOPMENT else 5"),
    ("config/limits.py", '"user": "600/60"', '"user": "601/60"'),
    (".env.example", '"user": "600/60"', '"user": "601/60"'),
    (".env.example", "#WEB_THREADS=12", "#WEB_THREADS=13"),
    (".env.example", "# Seconds an access token lives.", "# How long one lives, in seconds."),
    ("core/problems/access.py", '"email_not_verified",', '"email_unproved",'),
    ("accounts/events.py", "    reason: str", "    cause: str"),
    ("core/management/commands/jobs.py", '"--all-failed"', '"--every"'),
    ("accounts/urls.py", '"logout"', '"leave"'),
]
TOLD = {
    "commands": ["`--every`"],
    "errors": ["`email_unproved`"],
    "events": ["- `cause`, `str`"],
    "http": ["`POST /auth/leave`"],
    "settings": ["`13`", "`601/60`", "| `5` | `1` |", "How long one lives, in seconds."],
}


def test_a_change_of_the_code_makes_its_page_stale(checkout: Path, change: Change) -> None:
    pages = {name: checkout / "docs" / "reference" / f"{name}.md" for name in TOLD}
    for file, old, new in CHANGES:
        change(file, old, new)

    looked = reference(checkout, "--check")
    untouched = {name: page.read_text(encoding="utf-8") for name, page in pages.items()}
    wrote = reference(checkout)

    names = ", ".join(f"docs/reference/{name}.md" for name in TOLD)
    assert looked.stderr == f"The code says something else than {names}: make format\n"
    assert looked.returncode == 1
    assert wrote.returncode == 0, wrote.stderr
    for name, page in pages.items():
        for words in TOLD[name]:
            assert words not in untouched[name]
            assert words in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "line"),
    [
        ("config/settings.py", 'env.integer("WEB_THREADS"', 'env.integer("THREADS"',
         r"\.env\.example and config/settings\.py differ in THREADS, WEB_THREADS\."),
        (".env.example", "#ACCESS_TTL_S=600", "#ACCESS_TTL_S=900",
         r"\.env\.example gives ACCESS_TTL_S as 900, config/settings\.py as 600\."),
        (".env.example", "# Seconds an access token lives.\n", "",
         r"\.env\.example does not say what ACCESS_TTL_S is for\."),
        ("accounts/events.py",
         '    """The person opened a link that was mailed to the address: it is theirs."""\n', "",
         r"The event EmailVerified has no docstring: say what happened\."),
        ("docs/reference/commands.md", "<!-- generated: command serve -->", "",
         r"No page of docs/reference tells of 'command serve'\. .*"),
        ("docs/reference/commands.md", "command serve -->", "command server -->",
         r"docs/reference tells of 'command server', and the code knows none\. .*"),
    ],
)  # fmt: skip
def test_a_gap_is_told_in_one_line(
    checkout: Path, change: Change, file: str, old: str, new: str, line: str
) -> None:
    change(file, old, new)

    done = reference(checkout, "--check")

    assert done.returncode == 1
    assert re.fullmatch(f"{line}\n", done.stderr), done.stderr
