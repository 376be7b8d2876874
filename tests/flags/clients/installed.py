"""Others' clients, as published, in folders of `build`: never in git, nor in our environment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT

HERE = Path(__file__).parent
NODE = ROOT / "build" / "flag-clients-node"
PYTHON = ROOT / "build" / "flag-clients-python"
_NPM = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]


def node() -> Path:
    """Return the folder with the packages of the lock file. Skips where there is no npm."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node or npm is not installed")
    if not _is_installed(NODE, "package-lock.json"):
        subprocess.run(_NPM, cwd=NODE, check=True, timeout=110)
        _tick(NODE, "package-lock.json")
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, NODE)
    return NODE


def python() -> Path:
    """Return a folder for PYTHONPATH. They need other versions of what our tools need."""
    if not _is_installed(PYTHON, "requirements.txt"):
        words = [*_installer(), "--require-hashes", "--target", str(PYTHON)]
        subprocess.run([*words, "-r", "requirements.txt"], cwd=PYTHON, check=True, timeout=110)
        _tick(PYTHON, "requirements.txt")
    return PYTHON


def _installer() -> list[str]:
    if shutil.which("uv"):
        return ["uv", "pip", "install", "--quiet", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install", "--quiet"]


def _is_installed(folder: Path, lock: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    for each in ("package.json", lock):
        if (HERE / each).exists():
            shutil.copy(HERE / each, folder)
    done = folder / ".installed"
    return done.exists() and done.read_bytes() == (folder / lock).read_bytes()


def _tick(folder: Path, lock: str) -> None:
    shutil.copy(folder / lock, folder / ".installed")
