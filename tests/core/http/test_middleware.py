from typing import Any

import orjson
import pytest
from django.test import Client, override_settings

from core import logging as our_logging
from tests.client import ApiClient, problem


@pytest.mark.parametrize("given", ["abc", "Abc.1_2-3", "a" * 128])
def test_a_sound_request_id_is_kept(anonymous: ApiClient, given: str) -> None:
    response = anonymous.send("GET", "/api/v1/users/me", X_Request_ID=given)

    assert response["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "<script>", "é", "a\tb", "../../etc"])
def test_an_unsound_request_id_is_replaced(anonymous: ApiClient, given: str) -> None:
    response = anonymous.send("GET", "/api/v1/users/me", X_Request_ID=given)

    assert response["X-Request-ID"] != given
    assert len(response["X-Request-ID"]) == 32


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/", "/problems", "/nowhere", "/api/docs"])
def test_every_answer_protects_its_reader(db: None, path: str) -> None:
    response = Client().get(path)

    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert "Server" not in response


@pytest.mark.parametrize("path", ["/", "/problems", "/nowhere", "/api/v1/nowhere"])
def test_our_own_pages_run_nothing_inline(db: None, path: str) -> None:  # PLT 21
    policy = Client().get(path, headers={"Accept": "text/html"})["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_the_admin_has_a_policy_too(db: None) -> None:  # PLT 21
    policy = Client().get("/admin/login/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


def test_what_only_begins_like_the_admin_has_the_strict_policy(db: None) -> None:  # PLT 21
    response = Client().get("/adminfoo", headers={"Accept": "text/html"})

    assert response.status_code == 404
    assert "unsafe" not in response["Content-Security-Policy"]


@override_settings(SECURE_HSTS_SECONDS=31_536_000)
def test_hsts_is_sent_over_tls_alone(db: None) -> None:  # PLT 21
    assert "max-age=31536000" in Client().get("/problems", secure=True)["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in Client().get("/problems")


def test_what_belongs_to_somebody_is_not_stored_on_the_way(api: ApiClient) -> None:
    response = api.send("GET", "/api/v1/users/me")

    assert response["Cache-Control"] == "no-store"
    assert response["Vary"] == "Authorization, Origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver:99999", "[::1", "a" * 5000, "testserver#@evil"]
)
def test_a_foreign_host_is_refused_and_not_repeated(anonymous: ApiClient, host: str) -> None:
    response = anonymous.send("GET", "/api/v1/users/me", Host=host)

    assert response.status_code == 400
    assert b"evil" not in response.content
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_no_origin_is_allowed_by_default(api: ApiClient) -> None:  # PLT 21
    response = api.send("GET", "/api/v1/users/me", Origin="https://app.example.com")

    assert "Access-Control-Allow-Origin" not in response


@override_settings(CORS_ALLOWED_ORIGINS=["https://app.example.com"])
def test_named_origins_are_allowed_exactly(api: ApiClient) -> None:  # PLT 21
    named = api.send("GET", "/api/v1/users/me", Origin="https://app.example.com")
    other = api.send("GET", "/api/v1/users/me", Origin="https://app.example.com.evil.example")

    assert named["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert "Access-Control-Allow-Credentials" not in named
    assert "Access-Control-Allow-Origin" not in other


@override_settings(CORS_ALLOWED_ORIGINS=["https://app.example.com"])
def test_a_preflight_needs_no_token(anonymous: ApiClient) -> None:  # PLT 21
    response = anonymous.send(
        "OPTIONS",
        "/api/v1/users/me",
        Origin="https://app.example.com",
        Access_Control_Request_Method="PATCH",
        Access_Control_Request_Headers="authorization,content-type,idempotency-key",
    )

    assert response.status_code == 200
    assert "PATCH" in response["Access-Control-Allow-Methods"]
    assert "idempotency-key" in response["Access-Control-Allow-Headers"]


def test_the_api_looks_at_no_cookie(anonymous: ApiClient) -> None:  # PLT 21
    anonymous.cookies["sessionid"] = "x" * 32

    response = anonymous.send("GET", "/api/v1/users/me")

    assert response.status_code == 401
    assert not response.cookies


def test_a_form_without_its_token_is_refused(db: None) -> None:  # PLT 21
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a"})

    assert response.status_code == 403


def test_one_line_is_logged_about_a_request(
    api: ApiClient, user: object, capfd: pytest.CaptureFixture[str]
) -> None:  # PLT 20
    traceparent = f"00-{'a' * 32}-{'b' * 16}-01"
    our_logging.flush()
    capfd.readouterr()

    api.send("GET", "/api/v1/users/me", X_Request_ID="my-request", traceparent=traceparent)

    our_logging.flush()
    (line,) = [orjson.loads(text) for text in capfd.readouterr().out.splitlines()]
    moment, duration = line.pop("timestamp"), line.pop("duration_ms")
    assert moment.endswith("Z")
    assert duration > 0
    assert line == {
        "level": "info",
        "event": "http.request",
        "logger": "http",
        "request_id": "my-request",
        "trace_id": "a" * 32,
        "user_id": str(user.pk),  # type: ignore[attr-defined]
        "ip_address": "127.0.0.1",
        "method": "GET",
        "path": "/api/v1/users/me",
        "status": 200,
    }


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/schema", "GET, HEAD, OPTIONS"),
        ("/api/docs", "GET, HEAD, OPTIONS"),
        ("/api/docs/settings.js", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/problems", "GET, HEAD, OPTIONS"),
        ("/verify-email/token", "GET, HEAD, POST, OPTIONS"),
    ],
)
def test_a_page_says_what_it_answers(db: None, path: str, allowed: str) -> None:  # PLT 11
    client = Client()

    refused, asked = client.put(path), client.options(path)

    assert (refused.status_code, refused["Allow"]) == (405, allowed)
    assert refused["Content-Type"] == "application/problem+json"
    assert (asked.status_code, asked["Allow"], asked.content) == (204, allowed, b"")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v1", "/api/v1/nowhere", "/api/schemas"])
def test_the_prefix_itself_is_nothing(db: None, path: str) -> None:  # PLT 11
    client: Any = Client(enforce_csrf_checks=True)

    response = client.post(path, {}, content_type="application/json")

    assert problem(response)["code"] == "not_found"


def test_the_admin_is_found_without_its_slash(db: None) -> None:
    response = Client().get("/admin")

    assert (response.status_code, response["Location"]) == (302, "/admin/")
