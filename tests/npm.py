"""Data of others that tests hold us to: fetched from npm when a test asks, never kept in git."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT

KEPT = ROOT / "build" / "npm"


def package(name: str, version: str, *, sha256: str) -> Path:
    """Return the folder of a package of exactly these contents. Skips where there is no npm."""
    folder = KEPT / f"{name.replace('/', '-')}-{version}-{sha256[:8]}"
    if not folder.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed")
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as fresh:
            fetched = _fetch(f"{name}@{version}", Path(fresh), sha256)
            if not folder.exists():  # else another test worker was quicker
                fetched.rename(folder)
    return folder


def _fetch(wanted: str, into: Path, sha256: str) -> Path:
    words = ["npm", "pack", wanted, "--silent", "--pack-destination", str(into)]
    subprocess.run(words, cwd=into, check=True, capture_output=True, timeout=120)
    (archive,) = into.glob("*.tgz")
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == sha256, f"{wanted} has changed"
    # What it holds is known by now; a Python before 3.11.4 has no filter to be told.
    careful: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive) as packed:
        packed.extractall(into, **careful)
    return into / "package"
