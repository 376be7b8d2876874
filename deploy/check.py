"""Everything `make check` looks at: every step runs, whatever came before it."""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from bootstrap import green

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = [sys.executable, "manage.py"]
COMPOSE = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
STEPS: list[tuple[str, list[str]]] = [
    ("Format", ["ruff", "format", "--check", "."]),
    ("Lint", ["ruff", "check", "."]),
    ("Types", ["mypy", "."]),
    ("Imports", ["lint-imports"]),
    ("Migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"]),
    (
        "API schema",
        [*MANAGE, "spectacular", "--validate", "--fail-on-warn", "--file", "build/openapi.yaml"],
    ),
    ("Templates", ["djlint", "--check", "templates"]),
    ("Compose file", COMPOSE),
    ("Production settings", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"]),
    ("Reference pages", [sys.executable, "deploy/reference.py", "--check"]),
    ("Documentation", ["mkdocs", "build", "--strict", "--quiet", "--site-dir", "build/docs"]),
]


def main() -> int:
    (ROOT / "build").mkdir(exist_ok=True)
    failed = [name for name, words in STEPS if not passes(name, words)]
    if failed:
        say(f"\nFailed: {', '.join(failed)}.")
        return 1
    say("\nAll is well.")
    return 0


def passes(name: str, words: list[str]) -> bool:
    start = time.monotonic()
    done = subprocess.run(  # noqa: S603  words of our own, no shell
        [words[0] if "/" in words[0] else str(BIN / words[0]), *words[1:]],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - start
    verdict = green("OK") if done.returncode == 0 else "FAILED"
    say(f"  {name:<24}{seconds:6.1f} s  {verdict}")
    if done.returncode != 0:
        say(done.stdout.rstrip())
    return done.returncode == 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def environment() -> dict[str, str]:
    """Return production's settings with stores that are never reached: nothing here needs them."""
    settings = {
        "READ_DOT_ENV": "0",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PUBLIC_URL": "https://app.example.com",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp://127.0.0.1:1",
        "TENANTRY_HOME": str(ROOT / "build" / "home"),
        "PYTHONWARNINGS": "ignore:Got an error checking a consistent migration history",
        "NO_MKDOCS_2_WARNING": "1",
    }
    return {name: value for name, value in os.environ.items() if name != "DEBUG"} | settings


if __name__ == "__main__":
    sys.exit(main())
