"""What .env.example and the reference say about settings is what config/settings.py reads."""

import ast
import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings

from tests.docs.pages import ROOT

ONLY_COMPOSE = {"POSTGRES_PASSWORD"}
OUTSIDE_SETTINGS = {"READ_DOT_ENV"}
"""Read by config/env.py itself, before there are settings."""

PRODUCTION = {
    "SECRET_KEY": "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
    "PUBLIC_URL": "https://app.example.com",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
}
ROW = re.compile(r"^\| `([A-Z_]+)` \|([^|]*)\|([^|]*)\|([^|]*)\|", re.M)


def read_by_settings() -> dict[str, ast.expr | None]:
    """Return every variable that settings.py reads, with the expression of its default."""
    found: dict[str, ast.expr | None] = {}
    tree = ast.parse((ROOT / "config" / "settings.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if _reads_the_environment(node):
            name, *rest = node.args  # type: ignore[attr-defined]
            named = {keyword.arg: keyword.value for keyword in node.keywords}  # type: ignore[attr-defined]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found[name.value] = rest[0] if rest else named.get("default")
    return found


def _reads_the_environment(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id == "env"
        and bool(node.args)  # type: ignore[attr-defined]
    )


def production_default(expression: ast.expr | None) -> str | None:
    """Return a plain default as the reference writes it; None for one that is computed."""
    if isinstance(expression, ast.IfExp):  # "this during development, else that"
        expression = expression.orelse
    if not isinstance(expression, ast.Constant) or expression.value in {None, ""}:
        return None
    value = expression.value
    return str(int(value) if isinstance(value, bool) else value)


def example() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.M))


def reference() -> dict[str, dict[str, str]]:
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = [[cell.strip().strip("`") for cell in row] for row in ROW.findall(text)]
    return {
        name: {"type": kind, "default": default, "required": required}
        for name, kind, default, required in rows
    }


def load_settings(environment: dict[str, str]) -> Any:
    known = read_by_settings() | dict.fromkeys(OUTSIDE_SETTINGS)
    inherited = {name: value for name, value in os.environ.items() if name not in known}
    return subprocess.run(
        [sys.executable, "manage.py", "diffsettings"],
        cwd=ROOT,
        env=inherited | environment | {"READ_DOT_ENV": "0"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_names_every_variable_and_no_other() -> None:
    assert set(example()) - ONLY_COMPOSE == set(read_by_settings()) | OUTSIDE_SETTINGS


def test_the_reference_names_every_variable_and_no_other() -> None:
    assert set(reference()) == set(read_by_settings()) | OUTSIDE_SETTINGS


def test_the_reference_tells_the_defaults_of_production() -> None:
    told = reference()
    for name, expression in read_by_settings().items():
        default = production_default(expression)
        if default is not None:
            assert told[name]["default"] == default, name


def test_the_example_tells_the_limits_that_hold() -> None:
    assert json.loads(example()["RATE_LIMITS"]) == settings.RATE_LIMITS


def test_what_production_requires_is_what_the_reference_says() -> None:
    required = {name for name, row in reference().items() if row["required"] == "yes"}

    assert required == set(PRODUCTION)
    assert load_settings(PRODUCTION).returncode == 0


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_does_not_start_without(name: str) -> None:
    without = {key: value for key, value in PRODUCTION.items() if key != name}

    done = load_settings(without)

    assert done.returncode == 1
    assert done.stderr == f"{name} is not set. See .env.example for what it holds.\n"
