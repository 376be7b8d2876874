"""The only place that reads the environment: typed, and loud with the variable's name."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ

from core.errors import ConfigurationError
from core.outbound.addresses import Network, network

BASE_DIR = Path(__file__).resolve().parent.parent

_reader = environ.Env()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Variable:
    """What the reference tells of a variable that was read."""

    kind: str
    default: str | None
    """As one would write it into the environment; None: it has to be set."""


VARIABLES: dict[str, Variable] = {}
"""Everything that was read, in its order."""


def text(name: str, default: str | None = None, *, kind: str = "text") -> str:
    """Return the variable; an empty one counts as missing. Without a default it is required."""
    VARIABLES[name] = Variable(kind, default)
    value = os.environ.get(name, "").strip()
    if value:
        return value
    if default is None:
        raise ConfigurationError(f"{name} is not set. See .env.example for what it holds.")
    return default


def boolean(name: str, *, default: bool) -> bool:
    value = text(name, "1" if default else "0", kind="switch").lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ConfigurationError(f"{name} must be 1 or 0, not {value!r}.")


def integer(name: str, *, default: int, minimum: int = 0) -> int:
    value = text(name, str(default), kind="number")
    try:
        number = int(value)
    except ValueError:
        raise ConfigurationError(f"{name} must be a whole number, not {value!r}.") from None
    if number < minimum:
        raise ConfigurationError(f"{name} must be at least {minimum}, not {number}.")
    return number


def words(name: str, *, default: str = "") -> list[str]:
    """Return a comma-separated list, blanks dropped."""
    return [word.strip() for word in text(name, default, kind="list").split(",") if word.strip()]


def numbers(name: str, *, minimum: int, maximum: int) -> list[int]:
    """Return a comma-separated list of whole numbers."""
    found = []
    for word in words(name):
        if not word.isdecimal() or not minimum <= int(word) <= maximum:
            raise ConfigurationError(f"{name}: {word!r} is none from {minimum} to {maximum}.")
        found.append(int(word))
    return found


def networks(name: str) -> list[Network]:
    """Return a comma-separated list of networks in CIDR notation."""
    found = []
    for word in words(name):
        try:
            found.append(network(word))
        except ValueError as error:
            raise ConfigurationError(f"{name}: {error}.") from None
    return found


def choice(name: str, options: tuple[str, ...], *, default: str) -> str:
    value = text(name, default)
    if value not in options:
        raise ConfigurationError(f"{name} must be one of {', '.join(options)}, not {value!r}.")
    return value


def json_object(name: str, *, default: dict[str, Any]) -> dict[str, Any]:
    value = text(name, json.dumps(default), kind="JSON")
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ConfigurationError(f"{name} must be a JSON object.")
    return parsed


def origin(name: str, default: str | None = None) -> str:
    """Return an address of scheme and host, without a trailing slash."""
    value = text(name, default, kind="address").rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not _is_bare(parts):
        raise ConfigurationError(f"{name} must look like https://app.example.com, not {value!r}.")
    return value


def _is_bare(parts: SplitResult) -> bool:
    """Tell whether an address has a host, perhaps a port, and nothing else."""
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and parts.geturl().lower() in {
        f"{parts.scheme}://{host}{port}",
        f"{parts.scheme}://[{host}]{port}",
    }


def secret(name: str, *, default: str | None) -> str:
    """Return a secret of 32 characters at least; well-known placeholders are refused."""
    value = text(name, default)
    weak = value.lower().startswith(("django-insecure", "changeme", "secret", "your-"))
    if value != default and (weak or len(value) < 32 or len(set(value)) < 8):
        raise ConfigurationError(
            f"{name} is too weak: use 50 random characters, e.g. "
            "python -c 'import secrets; print(secrets.token_urlsafe(50))'."
        )
    return value


def database(url: str) -> dict[str, Any]:
    return _parsed("DATABASE_URL", url, _reader.db_url_config, {"postgres", "postgresql"})


def email(url: str) -> dict[str, Any]:
    schemes = {"smtp", "smtps", "smtp+tls", "smtp+ssl", "consolemail", "memorymail", "dummymail"}
    return _parsed("EMAIL_URL", url, _reader.email_url_config, schemes)


def redis(url: str) -> str:
    _parsed("REDIS_URL", url, lambda _: {}, {"redis", "rediss", "unix"})
    return url


def _parsed(name: str, url: str, parse: Any, schemes: set[str]) -> dict[str, Any]:
    # The address may hold a password, so a complaint never repeats it.
    if urlsplit(url).scheme not in schemes:
        raise ConfigurationError(f"{name} must begin with {' or '.join(sorted(schemes))}://.")
    try:
        return dict(parse(url))
    except (ValueError, KeyError):
        raise ConfigurationError(f"{name} is not a valid address.") from None


if boolean("READ_DOT_ENV", default=True) and (BASE_DIR / ".env").is_file():
    environ.Env.read_env(str(BASE_DIR / ".env"))  # never overrides what is really set
