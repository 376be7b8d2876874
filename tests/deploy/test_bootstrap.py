"""The bootstrap, run as the Makefile runs it, in a project with hardly any requirements."""

import ast
import json
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
    (tmp_path / "deploy").mkdir()
    (tmp_path / "requirements").mkdir()
    shutil.copy(BOOTSTRAP, tmp_path / "deploy")
    for level in ("production", "development", "tools", "bench"):
        (tmp_path / "requirements" / f"{level}.txt").write_text("# nothing\n")
    return tmp_path


def bootstrap(project: Path, *words: str, **environment: str) -> tuple[int, str]:
    inherited = {k: v for k, v in os.environ.items() if k != "TENANTRY_HOME"}
    done = subprocess.run(
        [sys.executable, "deploy/bootstrap.py", *words],
        cwd=project,
        env=inherited | environment,
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


def test_the_second_start_finds_everything_done(project: Path) -> None:
    first_code, first = bootstrap(project, "tools", *SAY_HELLO)
    second_code, second = bootstrap(project, "tools", *SAY_HELLO)

    assert (first_code, second_code) == (0, 0)
    hello = f"hello from {project}/.venv\n"
    assert first.endswith(hello)
    assert "in .venv" in first
    assert second == hello


def test_more_installed_than_asked_for_is_enough(project: Path) -> None:
    bootstrap(project, "tools", *SAY_HELLO)
    stamp = (project / ".venv" / "tenantry.json").read_text()
    (project / "manage.py").write_text("import os; print('dev', os.environ['DEBUG'])")

    code, output = bootstrap(project, "run")

    assert (code, output) == (0, "dev 1\n")
    assert (project / ".venv" / "tenantry.json").read_text() == stamp


def test_what_changed_is_installed_again(project: Path) -> None:
    bootstrap(project, "tools", *SAY_HELLO)
    (project / "requirements" / "production.txt").write_text("# something else\n")

    _, output = bootstrap(project, "tools", *SAY_HELLO)

    assert "0 packages for tools" in output
    assert "in .venv" not in output


@pytest.mark.parametrize("damage", ["interrupted", "broken", "too old"])
def test_a_venv_that_cannot_be_trusted_is_made_anew(project: Path, damage: str) -> None:
    bootstrap(project, "tools", *SAY_HELLO)
    venv = project / ".venv"
    if damage == "interrupted":
        (venv / "tenantry.json").unlink()
        (venv / "tenantry.unfinished").touch()
    elif damage == "broken":
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").symlink_to("/nowhere/python")
    else:
        old = "#!/bin/sh\necho '[3, 9]'\n"
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").write_text(old)
        (venv / "bin" / "python").chmod(0o755)

    code, output = bootstrap(project, "tools", *SAY_HELLO)

    assert code == 0
    assert f"Python {sys.version_info[0]}.{sys.version_info[1]} in .venv" in output
    assert json.loads((venv / "tenantry.json").read_text())["python"] == [*sys.version_info[:2]]


def test_a_failed_installation_shows_why_and_is_tried_again(project: Path) -> None:
    requirements = project / "requirements" / "tools.txt"
    requirements.write_text("tenantry-names-no-such-package==1.0\n")  # no hash either: refused
    code, output = bootstrap(project, "tools", *SAY_HELLO)
    requirements.write_text("# repaired\n")

    again_code, again = bootstrap(project, "tools", *SAY_HELLO)

    assert code == 1
    assert "hash" in output
    assert output.splitlines()[-1] == (
        "The packages could not be installed; the installer's last words are above."
    )
    assert again_code == 0
    assert "in .venv" not in again


def test_stores_of_ones_own_need_no_embedded_ones(project: Path) -> None:
    (project / "manage.py").write_text("print('dev')")
    (project / "requirements" / "development.txt").write_text("not-wanted==1.0\n")

    code, output = bootstrap(project, "run", DATABASE_URL="postgres://x/y", REDIS_URL="redis://x")

    assert code == 0
    assert "0 packages for production" in output
    assert output.endswith("dev\n")
