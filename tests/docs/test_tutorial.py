"""The tutorial is followed in a copy of the checkout, and its own tests pass there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import APPS, ROOT

TUTORIAL = ROOT / "docs" / "tutorial" / "first-steps.md"
TENANT_MODEL = ROOT / "docs" / "how-to" / "add-a-tenant-model.md"
COPIED = [*APPS, "config", "templates"]
COPIED_FILES = ["manage.py", "pyproject.toml", *(f"tests/{n}.py" for n in
    ("client", "conftest", "openapi", "plugin", "tenants"))]  # fmt: skip
FILE = re.compile(r'^```python title="([^"]+)"\n(.*?)^```$', re.S | re.M)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy without the tests of our own."""
    for name in COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    (tmp_path / "tests").mkdir()
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def follow(checkout: Path, page: Path = TUTORIAL, app: str = "notes") -> None:
    for name, text in FILE.findall(page.read_text(encoding="utf-8")):
        path = checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (checkout / app / "__init__.py").touch()


def run(checkout: Path, *words: str, **variables: str) -> str:
    """Return what the command printed. Fails when it does."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=checkout,
        env=inherited | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.server
def test_the_app_of_the_tutorial_works(checkout: Path) -> None:
    follow(checkout)

    run(checkout, "manage.py", "makemigrations", "notes", "--name", "notes", DEBUG="1")
    printed = run(checkout, "-m", "pytest", "-q", "tests/notes")

    assert "8 passed" in printed


@pytest.mark.server
def test_the_code_of_the_tutorial_is_ours_in_style(checkout: Path) -> None:
    follow(checkout)

    run(checkout, "-m", "ruff", "check", "notes", "tests/notes", "config/product.py")
    run(checkout, "-m", "ruff", "format", "--check", "notes", "tests/notes", "config/product.py")


@pytest.mark.server
def test_the_model_of_an_organization_works_and_is_ours_in_style(checkout: Path) -> None:
    follow(checkout, TENANT_MODEL, "rooms")

    run(checkout, "manage.py", "makemigrations", "rooms", "--name", "rooms", DEBUG="1")
    printed = run(checkout, "-m", "pytest", "-q", "tests/rooms")

    assert "3 passed" in printed
    for words in (["check"], ["format", "--check"]):
        run(checkout, "-m", "ruff", *words, "rooms", "tests/rooms", "config/product.py")
