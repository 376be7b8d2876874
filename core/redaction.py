"""Keeps secrets out of what we write down: by a field's name, and by what a text looks like.

Used by the log, and by everything else that stores text which a stranger may have influenced
(audit entries, webhook answers, job arguments).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

REDACTED = "[redacted]"

# A field is named after a secret when one of its words is one of these ...
SECRET_WORDS = frozenset(
    {
        "password", "passwords", "passwd", "pwd", "passphrase", "secret", "secrets", "token",
        "tokens", "jwt", "authorization", "cookie", "cookies", "ticket", "tickets",
        "credential", "credentials", "otp", "totp", "apikey", "bearer", "csrfmiddlewaretoken",
        "csrftoken", "sessionid",
    }
)  # fmt: skip
# ... or when it is exactly one of these ...
SECRET_NAMES = frozenset({"access", "refresh", "key", "code", "codes", "dsn"})
# ... or when it is a key or a code of one of these kinds ...
KEY_KINDS = frozenset({"api", "private", "secret", "signing", "session", "encryption", "access"})
CODE_KINDS = frozenset(
    {
        "mfa", "otp", "recovery", "backup", "verification", "auth", "authorization",
        "confirmation", "reset", "invite", "invitation", "security",
    }
)  # fmt: skip
# ... unless its last word says that it only describes the secret: token_type, password_changed_at.
DESCRIPTIONS = frozenset(
    {
        "type", "id", "ids", "at", "in", "count", "kind", "name", "names", "length", "size",
        "bytes", "ttl", "seconds", "status", "error", "errors", "expired", "expires", "expiry",
        "limit", "limits", "lifetime", "version", "prefix", "used", "valid", "class", "method",
        "algorithm", "purpose", "reused", "issued", "required", "present", "field", "fields",
    }
)  # fmt: skip
# Correlation ids are chosen by clients in any shape, and losing them would break tracing.
EXEMPT_NAMES = frozenset({"request_id", "trace_id"})
# `code` names a stable error code far more often than a one-time code; those look different.
ERROR_CODE = re.compile(
    r"[a-z]+(?:_[a-z]+)+|required|invalid|forbidden|conflict|draining|blank|null|unique|empty"
)

_SAFE_NAME_LENGTH = 128
_MAX_DEPTH = 6
_LONG_RUN_LENGTH = 40
_LONGEST_TEXT = 64 * 1024
_LONGEST_SECRET = 4096


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = re.split(r"[^a-z0-9]+", spaced.lower().strip("-_ "))
    if len(words) > 1 and words[-1] in DESCRIPTIONS:
        return False
    if not SECRET_WORDS.isdisjoint(words) or "_".join(words) in SECRET_NAMES:
        return True
    kinds = KEY_KINDS if words[-1] in {"key", "keys"} else CODE_KINDS
    return words[-1] in {"key", "keys", "code", "codes"} and not kinds.isdisjoint(words)


def is_secret_name(name: str) -> bool:
    """Say whether a field of this name holds a secret: `refresh`, `X-Api-Key`, `mfaCode`."""
    return _is_secret(name[:_SAFE_NAME_LENGTH])


def is_secret(name: str, value: object) -> bool:
    """Like is_secret_name, but lets through what can't be one: None, booleans, error codes."""
    if value is None or value is True or value is False or value == "":
        return False
    if not is_secret_name(name):
        return False
    return not (name == "code" and isinstance(value, str) and ERROR_CODE.fullmatch(value))


# The patterns. Each is linear in the length of the text: word starts are anchored by a look-behind
# and repetitions are possessive, because attackers choose what we log.
_SCHEME = re.compile(
    r"(?i)\b(bearer|api-key|basic)((?:[\s.:+]|%20){1,4})(?!realm=)[^\s\"',;&]{6,}+"
)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+(?:\.[\w-]*+)*+", re.ASCII)
_COOKIE = re.compile(r"(?i)\b((?:set-)?cookie[\"']?: ?)[^\r\n\"']++")
_USER_INFO = re.compile(r"(://)[^\s/\"'<>]*@")
_PATH_TOKEN = re.compile(r"(/(?:invitations|unsubscribe)/)([^/?#\s\"'<>]++)")
_ASSIGNMENT = re.compile(
    r"(?<![\w-])([\w-]++)([\"']?\s{0,4}+[=:]\s{0,4}+)"
    r"(b?\"(?:[^\"\\]|\\.)*+\"?|b?'(?:[^'\\]|\\.)*+'?|[^\s\"'&;,)}\]]++)"
)
_LONG_RUN = re.compile(r"(?<![\w-])[\w-]{40,}+", re.ASCII)

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ROUTE_WORD = re.compile(r"[a-z-]{1,20}")
_READABLE_RUN = re.compile(r"[^A-Z]+|[^a-z]+|(?:[A-Z][a-z]+)+")
# "key: value" is ordinary English, so after a bare colon only unmistakable names count.
_STAYS = (REDACTED[:-1], "Bearer", "Api-Key", "Basic")  # what _SCHEME left behind
_COLON_NAMES_IGNORED = frozenset({"access", "refresh", "key", "code", "codes"})


def _redact_path_token(match: re.Match[str]) -> str:
    segment = match[2]
    if _UUID.fullmatch(segment) or _ROUTE_WORD.fullmatch(segment):
        return match[0]
    return match[1] + REDACTED


def _redact_assignment(match: re.Match[str]) -> str:
    name, separator, value = match[1], match[2], match[3]
    quote = value[-1] if value[-1] in "\"'" else ""
    bare_colon = ":" in separator and not quote and separator[0] not in "\"'"
    if bare_colon and name.lower() in _COLON_NAMES_IGNORED:
        return match[0]
    if value.startswith(_STAYS) or not is_secret(name, value.strip("\"'")):
        return match[0]
    return name + separator + quote + REDACTED + quote


def _redact_long_run(match: re.Match[str]) -> str:
    """Mailed tokens are 43 characters of base64url; identifiers of that length are readable."""
    return match[0] if _READABLE_RUN.fullmatch(match[0]) else REDACTED


# A pattern runs only where its marker stands: on ordinary text that saves nine tenths of the time.
_RULES: list[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    ("bearer", _SCHEME, rf"\1\2{REDACTED}"),
    ("api-key", _SCHEME, rf"\1\2{REDACTED}"),
    ("basic", _SCHEME, rf"\1\2{REDACTED}"),
    ("eyj", _JWT, REDACTED),
    ("cookie", _COOKIE, rf"\1{REDACTED}"),
    ("://", _USER_INFO, rf"\1{REDACTED}@"),
    ("/invitations/", _PATH_TOKEN, _redact_path_token),
    ("/unsubscribe/", _PATH_TOKEN, _redact_path_token),
    ("=", _ASSIGNMENT, _redact_assignment),
    (":", _ASSIGNMENT, _redact_assignment),
]


def redact_text(text: str) -> str:
    """Return the text with everything that looks like a secret replaced."""
    lowered = text.lower()
    for marker, pattern, replacement in _RULES:
        if marker in lowered:
            text = pattern.sub(replacement, text)
    return _LONG_RUN.sub(_redact_long_run, text) if len(text) >= _LONG_RUN_LENGTH else text


def _class_of(code: int) -> int:
    character = chr(code)
    if code < 128 and (character.isalnum() or character in "-_"):
        return ord("a")
    return ord("!") if character in " ='@%+\\" else ord(" ")


# What a token consists of becomes "a"; what every other pattern needs somewhere becomes "!". So one
# pass and two searches decide about an ordinary line, in a fifth of the time of many searches.
_CLASSES = bytes(map(_class_of, range(256)))
_LONG = "a" * _LONG_RUN_LENGTH


def may_hold_secret(line: bytes) -> bool:
    """Say, in a microsecond, whether compact JSON needs redact_text at all. Errs towards yes."""
    classes = line.translate(_CLASSES).decode()
    paths = b"/invitations/" in line or b"/unsubscribe/" in line
    return paths or "!" in classes or _LONG in classes


def redact(value: object, *, name: str = "", depth: int = 0) -> object:
    """Return plain data with secrets replaced, at any depth; other objects become text.

    Text over 64 KiB is cut, because the patterns take their time over text made of markers.
    """
    if name and is_secret(name, value):
        return REDACTED
    if isinstance(value, str):
        return value if name in EXEMPT_NAMES else _redact_bounded(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _MAX_DEPTH or not isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_bounded(as_text(value))
    if isinstance(value, Mapping):
        return {
            redact_text(as_text(key)): redact(item, name=as_text(key), depth=depth + 1)
            for key, item in value.items()
        }
    return _redact_sequence(value, depth)


def _redact_bounded(text: str) -> str:
    if len(text) <= _LONGEST_TEXT:
        return redact_text(text)
    # Half a token at the cut looks like none, so what stands before the cut goes as well.
    return redact_text(text[:_LONGEST_TEXT])[:-_LONGEST_SECRET] + "…"


def _redact_sequence(values: Iterable[object], depth: int) -> list[object]:
    items = list(values)
    if len(items) == 2 and isinstance(items[0], str | bytes):  # a header: (name, value)
        name = as_text(items[0])
        return [name, redact(items[1], name=name, depth=depth + 1)]
    return [redact(item, depth=depth + 1) for item in items]


def as_text(value: object) -> str:
    """Return str(value) whatever the object does; bytes are read as UTF-8."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # somebody else's __str__; what we write down must not depend on it
        return f"<unprintable {type(value).__name__}>"
