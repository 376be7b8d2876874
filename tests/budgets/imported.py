"""What a process imports, by the packages that production installs."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PRODUCTION = ROOT / "requirements" / "production.txt"
VARIABLES = {
    "DEBUG": "0",
    "READ_DOT_ENV": "0",
    "SECRET_KEY": "budgets-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "PUBLIC_URL": "https://app.example.com",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "FLAGS_POLL_S": "0",  # nobody follows stores that are not there
}


@dataclass(frozen=True)
class Imported:
    packages: frozenset[str]
    """Of others, and in production: what the test's own tools bring does not count."""
    modules: int
    """Of those, and of ours."""


def imported(code: str) -> Imported:
    """Run code in a fresh process with production's variables; return what it has imported."""
    names = told(f"{code}\nimport sys\nfound = sorted(sys.modules)")
    installed = installed_in_production()
    tops = [name.partition(".")[0] for name in names]
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    counted = [top for top in tops if top in installed | ours]
    return Imported(frozenset(tops) & installed, len(counted))


def told(code: str, **variables: str) -> Any:
    """Run code in a fresh process; return what it calls `found`."""
    tell = "import json, os\nprint(json.dumps(found), flush=True)\nos._exit(0)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"],
        cwd=ROOT,
        env={**os.environ, **VARIABLES, **variables},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def installed_in_production() -> frozenset[str]:
    """Return the names that packages of requirements/production.txt are imported by."""
    lines = PRODUCTION.read_text().splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    return frozenset(
        name
        for name, packages in packages_distributions().items()
        if any(normal(package) in pinned for package in packages)
    )


def normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()
