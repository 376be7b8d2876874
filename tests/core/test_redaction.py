import base64
import json
import secrets
import time
from urllib.parse import quote

import orjson
import pytest

from core.redaction import REDACTED, is_secret_name, may_hold_secret, redact, redact_text

MAILED_TOKEN = "q3T9x-LmZ0aBcD1eFgH2iJkL3mNoP4qRsT5uVwX6yZ_"
LONG_CLASS = "PeriodicTaskDeferrerAlreadyRunningException"
LONG_FUNCTION = "test_a_very_long_name_of_a_function_that_is_no_token"
JWT = (
    "eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJzdWIiOiIxIiwic2lkIjoiMiIsImV4cCI6MX0"
    ".c2lnbmF0dXJlLW9mLXNpeHR5LWZvdXItYnl0ZXMtd2hpY2gtaXMtbG9uZw"
)


@pytest.mark.parametrize(
    "name",
    [
        "password", "new_password", "currentPassword", "PASSWORD", "password_hash", "token",
        "tokens",
        "invitation_token", "access", "refresh", "access_token", "mfa_token", "Authorization",
        "HTTP_AUTHORIZATION", "api_key", "apiKey", "X-Api-Key", "apikey", "secret", "client_secret",
        "webhook_secrets", "cookie", "Set-Cookie", "HTTP_COOKIE", "ticket", "code", "mfa_code",
        "recovery_codes", "otp", "key", "private_key", "csrfmiddlewaretoken", "dsn",
    ],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)
    assert redact({name: "hunter2"}) == {name: REDACTED}


@pytest.mark.parametrize(
    "name",
    [
        "token_type", "token_id", "status_code", "error_code", "country_code", "close_code",
        "key_count",
        "password_changed_at", "ticket_ttl_seconds", "cookie_name", "flag_key", "key_prefix",
        "keyboard",
        "accessible", "access_count", "refreshed_at", "author", "codec", "tokenizer",
        "secretary", "event",
        "user_id", "request_id", "email", "path", "monkey", "idempotency_key", "foreign_key",
    ],
)  # fmt: skip
def test_names_that_only_resemble_them(name: str) -> None:
    assert not is_secret_name(name)
    assert redact({name: "open"}) == {name: "open"}


@pytest.mark.parametrize("code", ["validation_error", "token_expired", "required", "conflict"])
def test_stable_error_codes_stay_readable(code: str) -> None:
    assert redact({"code": code}) == {"code": code}


@pytest.mark.parametrize("code", ["123456", "abcd-efgh", "kqzxyw", 123456, "X7_a9"])
def test_one_time_codes_do_not(code: object) -> None:
    assert redact({"code": code}) == {"code": REDACTED}


def test_absence_is_no_secret() -> None:
    harmless = {"password": None, "has_token": True, "token": ""}

    assert redact(harmless) == harmless


def test_secrets_are_found_at_any_depth_and_in_header_lists() -> None:
    found = redact(
        {
            "body": {"items": [{"user": {"password": "hunter2", "name": "Uma"}}]},
            "headers": [(b"authorization", b"Bearer abcdefgh"), (b"accept", b"*/*")],
            "credentials": {"user": "uma"},
            "set": {"a"},
            MAILED_TOKEN: 1,
        }
    )

    assert found == {
        "body": {"items": [{"user": {"password": REDACTED, "name": "Uma"}}]},
        "headers": [["authorization", REDACTED], ["accept", "*/*"]],
        "credentials": REDACTED,
        "set": ["a"],
        REDACTED: 1,
    }


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {REDACTED}"),
        ("got Bearer abc.def-123 from", f"got Bearer {REDACTED} from"),
        ("Api-Key tn_live_123456", f"Api-Key {REDACTED}"),
        ('Bearer realm="api"', 'Bearer realm="api"'),
        ("tenantry.v1, bearer.abcdefghijk", f"tenantry.v1, bearer.{REDACTED}"),
        (f"jwt {JWT}.", f"jwt {REDACTED}"),
        ("/ws/v1?ticket=abc123&x=1", f"/ws/v1?ticket={REDACTED}&x=1"),
        ("/p?token=abc&key=d&api_key=g", f"/p?token={REDACTED}&key={REDACTED}&api_key={REDACTED}"),
        ("?token_type=Bearer&page=2", "?token_type=Bearer&page=2"),
        ("?page=1&code=validation_error", "?page=1&code=validation_error"),
        ("/invitations/abc123def", f"/invitations/{REDACTED}"),
        ("/invitations/accept", "/invitations/accept"),
        (
            "/organizations/0190aaaa-bbbb-7ccc-8ddd-0123456789ab/invitations/"
            "0190aaaa-bbbb-7ccc-8ddd-0123456789ac/resend",
            "/organizations/0190aaaa-bbbb-7ccc-8ddd-0123456789ab/invitations/"
            "0190aaaa-bbbb-7ccc-8ddd-0123456789ac/resend",
        ),
        ("redis://uma:p@ss@host:6379/0", f"redis://{REDACTED}@host:6379/0"),
        ("postgres://:pw@db/tenantry", f"postgres://{REDACTED}@db/tenantry"),
        ("https://app.example.com/a@b", "https://app.example.com/a@b"),
        ("{'password': 'two words', 'a': 1}", f"{{'password': '{REDACTED}', 'a': 1}}"),
        ('{"refresh": "x\\"y", "a": 1}', f'{{"refresh": "{REDACTED}", "a": 1}}'),
        ("password: hunter2", f"password: {REDACTED}"),
        ("password=hunter2, retrying", f"password={REDACTED}, retrying"),
        ("Cookie: sessionid=abc; csrftoken=def", f"Cookie: {REDACTED}"),
        (f"link {MAILED_TOKEN} sent", f"link {REDACTED} sent"),
        ("duplicate key: value", "duplicate key: value"),
        ("error code: 23505", "error code: 23505"),
        ("a" * 64, "a" * 64),
        (LONG_CLASS, LONG_CLASS),
        (LONG_FUNCTION, LONG_FUNCTION),
        ("Tenantry refuses nothing here", "Tenantry refuses nothing here"),
    ],
)  # fmt: skip
def test_patterns(text: str, clean: str) -> None:
    assert redact_text(text) == clean
    assert redact_text(clean) == clean  # a second pass changes nothing


def test_every_mailed_token_is_recognized() -> None:
    for _ in range(2000):
        assert redact_text(f"a {secrets.token_urlsafe(32)} b") == f"a {REDACTED} b"
    assert redact_text("IHX7Vji9TGmSsnnVZi_guOXZ-aTmt42PeyJabcdefgh") == REDACTED


def test_correlation_ids_survive_whatever_a_client_chose() -> None:
    assert redact({"request_id": MAILED_TOKEN}) == {"request_id": MAILED_TOKEN}


def test_the_quick_look_never_misses_what_the_patterns_find() -> None:
    found = [
        "Bearer abcdefgh", "Api-Key abcdefgh", "?ticket=a", "/invitations/abc123",
        "redis://u:p@h", JWT,
        "{'password': 'x'}", '{"token": "x"}', "password: x", MAILED_TOKEN, "Bearer%20abcdefgh",
        "Cookie: a", "bearer\tabcdefgh", f"é{MAILED_TOKEN}", f"\n{MAILED_TOKEN}",
    ]  # fmt: skip

    for text in found:
        assert redact_text(text) != text, text
        assert may_hold_secret(orjson.dumps({"event": text})), text


def test_an_ordinary_line_costs_no_second_look() -> None:
    line = {"event": "http.request", "path": "/api/v1/users/me", "status": 200, "duration_ms": 1.5}

    assert not may_hold_secret(orjson.dumps(line))


@pytest.mark.parametrize(
    "evil",
    [
        "a" * 100_000, "a=" * 50_000, "=" * 100_000, "'" * 100_000, "a='" * 30_000, "://" * 30_000,
        "://" + "a" * 100_000, "Bearer " * 15_000, "eyJ" * 30_000, "eyJaaaaaaaa." * 8_000,
        "-" * 100_000,
        "cookie:" * 15_000, "/invitations/" * 8_000, "a: " * 30_000, "a" + " " * 100_000,
        "a='\\" * 25_000,
        "://a" * 25_000, "bearer" + " " * 100_000, 'a="' + "\\x" * 50_000,
    ],
)  # fmt: skip
def test_text_made_to_be_slow_is_not(evil: str) -> None:
    started = time.process_time()

    redact_text(evil)

    assert time.process_time() - started < 10  # quadratic would be minutes


def test_half_a_token_at_the_end_of_what_is_kept_of_a_long_text_goes() -> None:
    for padding in range(64 * 1024 - 50, 64 * 1024 + 5):
        assert MAILED_TOKEN[:5] not in str(redact({"text": " " * padding + MAILED_TOKEN}))


def test_objects_that_can_not_be_shown_spoil_nothing() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    nested: list[object] = []
    nested.append(nested)

    assert redact(Broken()) == "<unprintable Broken>"
    assert "[...]" in json.dumps(redact(nested))


def test_other_spellings_of_a_token_in_a_query_are_covered() -> None:
    for value in (quote(MAILED_TOKEN, safe=""), base64.b64encode(MAILED_TOKEN.encode()).decode()):
        assert value not in redact_text(f"/p?token={value}")
