"""Where and with what something was measured: figures mean little without it."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from core.embedded import binaries

ALWAYS = ("django",)


def describe(packages: Sequence[str], *, node: bool = False) -> dict[str, str]:
    """Return what a reader has to know, in the order in which it is told."""
    memory: Any = psutil.virtual_memory()  # type: ignore[no-untyped-call]
    found = {
        "day": f"{datetime.now(UTC):%-d %B %Y}",
        "machine": f"{os.cpu_count()} cores of {_processor()} with {memory.total / 2**30:.0f} GB",
        "Python": platform.python_version(),
        "PostgreSQL": _says(binaries.postgres() / "bin" / "postgres"),
        "Valkey": _says(binaries.valkey() / "valkey-server"),
    }
    found |= {name: version(name) for name in (*ALWAYS, *packages)}
    if node and shutil.which("node"):
        found["node"] = _says(Path("node"))
    return found


def _processor() -> str:
    """Return the processor's name as Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _says(program: Path) -> str:
    """Return the version out of what a program says of itself."""
    words = [str(program), "--version"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else said.strip()
