"""Make .venv what this checkout needs, then become the command that was asked for.

Called by the Makefile with any Python at hand and nothing installed: standard library only. The
syntax stays what Python 3.6 parses, so that an old one gets a clear line, not a SyntaxError.
"""

import configparser
import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "tenantry.json"
UNFINISHED = VENV / "tenantry.unfinished"
HOME = Path(os.environ.get("TENANTRY_HOME") or ROOT / ".tenantry")

LEVELS = ["production", "development", "tools", "bench"]
"""Each requirements file holds everything of the one before it, in the same versions."""
COMMANDS: Dict[str, Any] = {
    "run": ("development", ["manage.py", "dev"]),
    "test": ("tools", ["-m", "pytest", "-n", "auto", "--dist", "loadfile"]),
    "check": ("tools", ["deploy/check.py"]),
    "tools": ("tools", []),
    "bench": ("bench", ["-m", "bench"]),
}


class Problem(Exception):
    """One line for a person."""


def main(words: List[str]) -> int:
    if sys.version_info < OLDEST:
        version = ".".join(str(part) for part in sys.version_info[:3])
        return complain(
            "Tenantry needs Python 3.11 or newer; this is %s (%s)." % (version, sys.executable)
        )
    chosen = "--with-this-python" in words
    name, *rest = [word for word in words if word != "--with-this-python"]
    level, command = COMMANDS[name]
    os.chdir(ROOT)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without ✓
    try:
        ensure_writable(HOME)
        ensure_installed(level_for(name, level), chosen=chosen)
    except Problem as problem:
        return complain(str(problem))
    except OSError as error:
        return complain("The set-up failed: %s." % error)
    except KeyboardInterrupt:
        return 130
    if name == "run":
        os.environ["DEBUG"] = "1"
    sys.stdout.flush()
    # Replaced, not called: the terminal's Ctrl-C then reaches the command alone.
    return os.execv(str(VENV_PYTHON), [str(VENV_PYTHON), *command, *rest])  # noqa: S606


def complain(line: str) -> int:
    sys.stderr.write(line + "\n")
    return 1


def level_for(name: str, level: str) -> str:
    """Return the requirements file to install: without embedded stores where none are wanted."""
    if name == "run" and os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return "production"
    if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")):
        raise Problem(
            "Tenantry brings PostgreSQL and Valkey for macOS and glibc Linux, not for Alpine: "
            "name servers of your own with DATABASE_URL and REDIS_URL, or use docker compose."
        )
    return level


def ensure_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(
            "Tenantry cannot write to %s: %s." % (folder.parent, error.strerror)
        ) from None
    if not os.access(str(folder), os.W_OK | os.X_OK):
        raise Problem("Tenantry cannot write to %s: Permission denied." % folder)


def ensure_installed(level: str, *, chosen: bool = False) -> None:
    """Bring .venv to the level; some milliseconds when it is there already."""
    if is_current(level, chosen=chosen):
        return
    with only_one_at_a_time():
        if is_current(level, chosen=chosen):
            return
        ensure_writable(VENV if VENV.exists() else ROOT)
        if UNFINISHED.exists() or not is_supported(venv_version(), chosen=chosen):
            step("Python %d.%d in .venv" % sys.version_info[:2], make_venv)
        UNFINISHED.touch()
        STAMP.unlink(missing_ok=True)
        count = requirements(level).read_text().count("==")
        step("%d packages for %s" % (count, level), lambda: install(level))
        STAMP.write_text(json.dumps({"python": venv_version(), "files": digests(level)}))
        UNFINISHED.unlink()


def is_current(level: str, *, chosen: bool) -> bool:
    try:
        stamp = json.loads(STAMP.read_text())
        installed = {name: stamp["files"].get(name) for name in digests(level)}
    except (OSError, ValueError, KeyError):
        return False
    version = venv_version()
    same = installed == digests(level) and stamp["python"] == version
    return same and is_supported(version, chosen=chosen)


def digests(level: str) -> Dict[str, str]:
    """Return a digest of every requirements file up to the level."""
    names = LEVELS[: LEVELS.index(level) + 1]
    return {name: hashlib.sha256(requirements(name).read_bytes()).hexdigest() for name in names}


def requirements(level: str) -> Path:
    return ROOT / "requirements" / (level + ".txt")


def venv_version() -> List[int]:
    """Return the version of Python in .venv; empty when it does not even start."""
    code = "import json, sys; print(json.dumps(sys.version_info[:2]))"
    try:
        return list(json.loads(run_quietly([str(VENV_PYTHON), "-S", "-c", code]).stdout))
    except (OSError, ValueError):
        return []


def is_supported(version: List[int], *, chosen: bool) -> bool:
    """Whether .venv may stay: any supported Python will do, unless the user named one."""
    if chosen:
        return version == list(sys.version_info[:2])
    return version >= list(OLDEST)


def make_venv() -> None:
    shutil.rmtree(str(VENV), ignore_errors=True)
    for words in ways_to_make_a_venv():
        VENV.mkdir(exist_ok=True)
        UNFINISHED.touch()  # first of all: whatever ends us from here on, the next run starts over
        if run_quietly([sys.executable, "-m", *words, str(VENV)]).returncode == 0:
            return
        shutil.rmtree(str(VENV), ignore_errors=True)
    raise Problem(
        "This Python cannot make virtual environments (%s): install python3-venv or uv, "
        "or name another with PYTHON=." % sys.executable
    )


def ways_to_make_a_venv() -> Iterator[List[str]]:
    if uv() or (has_module("venv") and not has_module("ensurepip") and host_pip()):
        yield ["venv", "--without-pip"]
    if has_module("ensurepip"):  # Debian keeps it in a package of its own, python3-venv
        yield ["venv"]
    if has_module("virtualenv"):
        yield ["virtualenv", "--quiet"]


def install(level: str) -> None:
    words = [*installer(), "--require-hashes", "-r", str(requirements(level))]
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    done = run_quietly(words, env=environment)
    if done.returncode > 0:
        UNFINISHED.unlink()  # it gave up in order (no network?): .venv is as usable as before
    if done.returncode != 0:
        sys.stderr.write("\n".join(done.stdout.strip().splitlines()[-12:]) + "\n")
        raise Problem("The packages could not be installed; the installer's last words are above.")


def installer() -> List[str]:
    """Return the words that install into .venv: uv's when it is there, else pip's."""
    found = uv()
    if found:
        words = [found, "pip", "install", "--python", str(VENV_PYTHON)]
        # Where Python writes no bytecode, every start would compile all packages: 7 s, not 2.5.
        return [*words, "--compile-bytecode"] if sys.dont_write_bytecode else words
    own = [str(VENV_PYTHON), "-m", "pip"]
    if works([*own, "--version"]) or works([str(VENV_PYTHON), "-m", "ensurepip"]):
        return [*own, "install"]
    host = host_pip()
    if host:
        return [*host, "--python", str(VENV_PYTHON), "install"]
    raise Problem("Neither pip nor uv is at hand: install python3-pip or python3-venv.")


def host_pip() -> Optional[List[str]]:
    """Return a pip outside .venv that can install into it (--python came with pip 22.3)."""
    words = [sys.executable, "-m", "pip"]
    return words if works([*words, "--python", sys.executable, "--version"]) else None


def uv() -> Optional[str]:
    """Return uv, unless only pip was told where packages come from: uv does not read that."""
    if pip_is_configured() and not uv_is_configured():
        return None
    return shutil.which("uv")


def pip_is_configured() -> bool:
    options = ["index-url", "extra-index-url", "find-links", "no-index", "proxy", "cert"]
    if any(os.environ.get("PIP_" + name.upper().replace("-", "_")) for name in options):
        return True
    files = configparser.RawConfigParser(strict=False)
    with contextlib.suppress(configparser.Error):
        files.read(pip_files(), encoding="utf-8")
    return any(files.has_option(section, name) for section in files.sections() for name in options)


def pip_files() -> List[str]:
    home = Path.home()
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    places = [Path("/etc"), Path("/etc/xdg/pip"), home / ".pip", config / "pip"]
    places.append(home / "Library" / "Application Support" / "pip")
    return [str(place / "pip.conf") for place in places] + [os.environ.get("PIP_CONFIG_FILE", "")]


def uv_is_configured() -> bool:
    names = ["UV_INDEX", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS"]
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    files = [config / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]
    known = [os.environ.get(name) for name in [*names, "UV_NO_INDEX", "UV_CONFIG_FILE"]]
    return any(known) or any(path.exists() for path in files)


def has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def works(words: List[str]) -> bool:
    return bool(run_quietly(words).returncode == 0)


def run_quietly(words: List[str], **options: Any) -> Any:
    return subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        close_fds=False,
        check=False,
        **options,
    )


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Let `make run` and `make test` of one fresh clone take turns.

    The kernel frees the lock of a killed one; an installer that outlives it holds the lock too,
    because it inherits the file.
    """
    with (HOME / "setup.lock").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  … another set-up works on .venv; waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def step(name: str, work: Callable[[], None]) -> None:
    """Do one thing and say so: while it lasts on a terminal, when it is done everywhere."""
    if sys.stdout.isatty():
        sys.stdout.write("  … %s" % name)
        sys.stdout.flush()
    start = time.monotonic()
    try:
        work()
    finally:
        if sys.stdout.isatty():
            sys.stdout.write("\r\033[K")
    print("  %s %-40s%6.1f s" % (green("✓"), name, time.monotonic() - start), flush=True)


def green(text: str) -> str:
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return "\033[32m%s\033[0m" % text if coloured else text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
