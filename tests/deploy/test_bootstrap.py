"""The bootstrap, run as the Makefile runs it, in a project with hardly any requirements."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).resolve().parents[2] / "deploy" / "bootstrap.py"
SAY_HELLO = ["-c", "import sys; print('hello from', sys.prefix)"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A project after its first start, and what that start said. Not to be changed."""
    folder = make_project(tmp_path_factory.mktemp("bootstrap") / "project")
    return folder, *bootstrap(folder, "tools", *SAY_HELLO)


@pytest.fixture
def started(first_start: tuple[Path, int, str], tmp_path: Path) -> Path:
    """A project after its first start, to be changed."""
    return Path(shutil.copytree(first_start[0], tmp_path / "copy", symlinks=True))


def make_project(folder: Path) -> Path:
    (folder / "deploy").mkdir(parents=True)
    (folder / "requirements").mkdir()
    shutil.copy(BOOTSTRAP, folder / "deploy")
    for level in ("production", "development", "tools", "bench"):
        (folder / "requirements" / f"{level}.txt").write_text("# nothing\n")
    return folder


def bootstrap(project: Path, *words: str, **environment: str) -> tuple[int, str]:
    inherited = {k: v for k, v in os.environ.items() if k != "TENANTRY_HOME"}
    done = subprocess.run(
        [sys.executable, "deploy/bootstrap.py", *words],
        cwd=project,
        env=inherited | {"PIP_NO_INDEX": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_an_old_python_can_read_it_far_enough_to_complain() -> None:
    ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 6))


def test_an_old_python_is_one_line() -> None:
    pretend = f"""
import runpy, sys
sys.version_info = (3, 9, 2, "final", 0)
sys.argv = ["bootstrap.py", "run"]
runpy.run_path({str(BOOTSTRAP)!r}, run_name="__main__")
"""

    done = subprocess.run(
        [sys.executable, "-c", pretend], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Tenantry needs Python 3.11 or newer; this is 3.9.2 ({sys.executable}).\n"
    )


def test_a_folder_that_cannot_be_written_is_one_line(project: Path) -> None:
    (project / ".tenantry").touch()

    code, output = bootstrap(project, "run")

    assert (code, output) == (1, f"Tenantry cannot write to {project}: File exists.\n")


def test_the_second_start_finds_everything_done(first_start: tuple[Path, int, str]) -> None:
    project, first_code, first = first_start

    second_code, second = bootstrap(project, "tools", *SAY_HELLO)

    assert (first_code, second_code) == (0, 0)
    hello = f"hello from {project}/.venv\n"
    assert "in .venv" in first
    assert first.endswith(hello)
    assert second == hello


def test_more_installed_than_asked_for_is_enough(started: Path) -> None:
    stamp = (started / ".venv" / "tenantry.json").read_text()
    (started / "manage.py").write_text("import os; print('dev', os.environ['DEBUG'])")

    code, output = bootstrap(started, "run")

    assert (code, output) == (0, "dev 1\n")
    assert (started / ".venv" / "tenantry.json").read_text() == stamp


def test_what_changed_is_installed_again(started: Path) -> None:
    (started / "requirements" / "production.txt").write_text("# something else\n")

    _, output = bootstrap(started, "tools", *SAY_HELLO)

    assert "0 packages for tools" in output
    assert "in .venv" not in output.splitlines()[0]


@pytest.mark.parametrize("damage", ["interrupted", "broken", "too old"])
def test_a_venv_that_cannot_be_trusted_is_made_anew(started: Path, damage: str) -> None:
    python = started / ".venv" / "bin" / "python"
    if damage == "interrupted":
        (started / ".venv" / "tenantry.json").unlink()
        (started / ".venv" / "tenantry.unfinished").touch()
    elif damage == "broken":
        python.unlink()
        python.symlink_to("/nowhere/python")
    else:
        python.unlink()
        python.write_text("#!/bin/sh\necho '[3, 9]'\n")
        python.chmod(0o755)

    code, output = bootstrap(started, "tools", *SAY_HELLO)

    assert code == 0
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]} in .venv" in output
    assert output.endswith(f"hello from {started}/.venv\n")


def test_a_failed_installation_shows_why_and_is_tried_again(started: Path) -> None:
    requirements = started / "requirements" / "tools.txt"
    requirements.write_text(f"tenantry-names-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    code, output = bootstrap(started, "tools", *SAY_HELLO)
    requirements.write_text("# repaired\n")

    again_code, again = bootstrap(started, "tools", *SAY_HELLO)

    assert code == 1
    assert "No matching distribution found for tenantry-names-no-such-package" in output
    assert output.splitlines()[-1] == (
        "The packages could not be installed; the installer's last words are above."
    )
    assert again_code == 0
    assert "in .venv" not in again.splitlines()[0]


def test_stores_of_ones_own_need_no_embedded_ones(started: Path) -> None:
    (started / "manage.py").write_text("print('dev')")
    (started / "requirements" / "development.txt").write_text("not-wanted==1.0\n")

    code, output = bootstrap(started, "run", DATABASE_URL="postgres://x/y", REDIS_URL="redis://x")

    assert (code, output) == (0, "dev\n")


@pytest.mark.skipif(shutil.which("uv") is None, reason="pip compiles what it installs by itself")
@pytest.mark.parametrize("unwritten", ["", "1"])
def test_packages_are_compiled_once_where_no_start_would_keep_it(unwritten: str) -> None:
    code = "import bootstrap; print(bootstrap.installer())"
    told = {"PYTHONDONTWRITEBYTECODE": unwritten, "PYTHONPATH": "deploy", "UV_NO_INDEX": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **told},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ("--compile-bytecode" in done.stdout) == bool(unwritten)
