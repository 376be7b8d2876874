"""The checks of `manage.py doctor` that every installation has."""

import platform
import shutil
import smtplib
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core import checks
from django.core.mail import get_connection
from django.db import connection
from redis.exceptions import RedisError

from core import reachability
from core.diagnostics import Check, Finding, fail, ok, warn
from core.jobs import repositories
from core.jobs.timing import timing

OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRESQL = 14
SLOW_MILLISECONDS = 20.0
"""A page asks the database about ten questions; at this latency that alone takes 0.2 s."""
MAIL_PATIENCE_SECONDS = 5
LITTLE_SPACE_BYTES = 1024**3
NO_SPACE_BYTES = 100 * 1024**2
NOT_LOOKED_AT = "Not looked at, because the database is not ready."


def python() -> Finding:
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        return fail(f"Python {version}", advice="Install Python 3.11 or newer.")
    return ok(f"Python {version}")


def configuration() -> Finding:
    found = checks.run_checks(include_deployment_checks=not settings.DEVELOPMENT)
    loud = [message for message in found if not message.is_silenced()]
    if not loud:
        return ok("The settings make sense.")
    texts = " ".join(f"{message.id}: {message.msg.split('. ')[0].strip()}." for message in loud)
    serious = any(message.is_serious() for message in loud)
    return (fail if serious else warn)(texts, advice="Run `manage.py check --deploy` for the rest.")


def public_url() -> Finding:
    url = settings.PUBLIC_URL
    if settings.DEVELOPMENT or urlsplit(url).scheme == "https":
        return ok(url)
    return fail(f"{url} is not encrypted.", advice="Serve over TLS, set PUBLIC_URL=https://…")


def signing_keys() -> Finding:
    entries: list[Path] = settings.JWT_PRIVATE_KEY_FILES
    files = [file for entry in entries for file in _key_files(entry)]
    for file in files:
        try:
            load_pem_private_key(file.read_bytes(), password=None)
        except OSError as error:
            return fail(f"{file}: {error.strerror}.", advice="Let JWT_PRIVATE_KEY_FILES name it.")
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return fail(f"{file} holds no private key.", advice="Make one: openssl genpkey.")
    if entries and not files:
        return fail(f"{entries[0]} holds no key.", advice="Make one: manage.py rotate_keys.")
    return ok(f"{len(files)} file(s) readable." if files else "One key, derived from SECRET_KEY.")


def database() -> Finding:
    missing = reachability.missing_database()
    if missing:
        return fail(_sentence(missing), advice="Start PostgreSQL, or correct DATABASE_URL.")
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    latency = _latency_ms()
    detail = f"PostgreSQL {version}, {latency:.1f} ms away."
    if int(version.split(".")[0]) < OLDEST_POSTGRESQL:
        return fail(detail, advice=f"Upgrade to PostgreSQL {OLDEST_POSTGRESQL} or newer.")
    if latency > SLOW_MILLISECONDS:
        return warn(detail, advice="Move the database nearer: every request asks it several times.")
    return ok(detail)


def migrations() -> Finding:
    if reachability.missing_database():
        return warn(NOT_LOOKED_AT, advice="See the database.")
    missing = reachability.missing_migrations()
    return (
        fail(_sentence(missing), advice="Run `manage.py migrate`.") if missing else ok("Applied.")
    )


def redis() -> Finding:
    try:
        with reachability.redis_client() as client:
            server = client.info("server")
            memory = client.info("memory")
    except RedisError as error:
        advice = "Start Redis or Valkey, or correct REDIS_URL. Until then pushes come late."
        return fail(_sentence(f"it does not answer: {error}"), advice=advice)
    version = server.get("valkey_version") or server.get("redis_version")
    policy = memory.get("maxmemory_policy", "unknown")
    detail = f"{server.get('server_name', 'redis')} {version}, eviction policy {policy}."
    if memory.get("maxmemory") and policy == "noeviction":
        advice = "Set maxmemory-policy to volatile-lru: when it is full, it takes nothing new now."
        return warn(detail, advice=advice)
    return ok(detail)


def mail() -> Finding:
    backend = settings.EMAIL_BACKEND
    if not backend.endswith("smtp.EmailBackend"):
        if settings.DEVELOPMENT:
            return ok(f"{backend} (development).")
        return warn(f"{backend} sends nothing.", advice="Set EMAIL_URL=smtp://…")
    try:
        with get_connection(timeout=MAIL_PATIENCE_SECONDS):
            return ok(f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} lets us in.")
    except (OSError, smtplib.SMTPException) as error:
        where = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}"
        return fail(_sentence(f"{where}: {error}"), advice="Correct EMAIL_URL.")


def worker() -> Finding:
    if reachability.missing_database() or reachability.missing_migrations():
        return warn(NOT_LOOKED_AT, advice="See the database and its migrations.")
    age = repositories.heartbeat_age()
    if age is not None and age.total_seconds() <= timing().stalled:
        return ok(f"A worker was heard {max(age.total_seconds(), 0):.0f} s ago.")
    verdict = warn if settings.DEVELOPMENT else fail
    return verdict("No worker lives: no mail goes out.", advice="Start `manage.py worker`.")


def disk() -> Finding:
    if not settings.DEVELOPMENT:
        return ok("Nothing is stored on this disk.")
    folder = next(path for path in (settings.HOME, *settings.HOME.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free for {settings.HOME}."
    if free < LITTLE_SPACE_BYTES:
        return (fail if free < NO_SPACE_BYTES else warn)(detail, advice="Make room.")
    return ok(detail)


CHECKS: dict[str, Check] = {
    "Python": python,
    "Settings": configuration,
    "Public URL": public_url,
    "Signing keys": signing_keys,
    "Database": database,
    "Migrations": migrations,
    "Redis": redis,
    "Mail": mail,
    "Worker": worker,
    "Disk": disk,
}


def _key_files(entry: Path) -> list[Path]:
    return sorted(entry.glob("[!.]*.pem")) if entry.is_dir() else [entry]


def _latency_ms() -> float:
    """Return the median of five round trips; the first may have to wake something up."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _sentence(text: str) -> str:
    line = " ".join(text.split())
    return f"{line[:1].upper()}{line[1:].rstrip('.')}."
