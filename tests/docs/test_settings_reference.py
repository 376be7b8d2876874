"""What docs/reference/settings.md calls required is what production does not start without."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from config import env
from tests.docs.pages import ROOT

PRODUCTION = {
    "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "PUBLIC_URL": "https://app.example.com",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}
REQUIRED = re.compile(r"^\| `([A-Z_]+)` \| \w+ \| \*\*required\*\* \|", re.M)


def load_settings(environment: dict[str, str]) -> Any:
    known = {*env.VARIABLES, "PORT"}
    inherited = {name: value for name, value in os.environ.items() if name not in known}
    return subprocess.run(
        [sys.executable, "manage.py", "diffsettings"],
        cwd=ROOT,
        env=inherited | environment | {"READ_DOT_ENV": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_production_requires_is_what_the_reference_says() -> None:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")

    assert set(REQUIRED.findall(text)) == set(PRODUCTION)
    assert load_settings(PRODUCTION).returncode == 0


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_does_not_start_without(name: str) -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != name}

    done = load_settings(without)

    assert done.returncode == 1
    assert done.stderr == f"{name} is not set. See .env.example for what it holds.\n"
