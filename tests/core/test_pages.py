import json
from typing import Any

import pytest
from django.apps import apps
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory
from django.utils.html import escape

from core import health, pages, problems, running, tokens

PROBLEM = "application/problem+json"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ERRORS = {
    400: lambda request: pages.bad_request(request, ValueError()),
    403: lambda request: pages.forbidden(request, PermissionError()),
    404: lambda request: pages.not_found(request, Http404()),
    429: lambda request: pages.too_many_requests(request, ValueError()),
    500: pages.server_error,
}


def browsing(path: str = "/somewhere", **meta: Any) -> HttpRequest:
    request: HttpRequest = RequestFactory(headers=BROWSER).get(path)
    request.META.update(meta)
    return request


@pytest.mark.django_db
def test_the_front_page_says_what_runs_and_where_to_go(client: Client, settings: Any) -> None:
    page = client.get("/").content.decode()

    assert f"Version {settings.VERSION}" in page
    assert "PostgreSQL" in page
    for href in ("/api/docs", "/api/schema", "/admin/", "/health/ready", "/.well-known/jwks.json"):
        assert f'href="{href}"' in page
    assert f"curl {settings.PUBLIC_URL}/api/v1/auth/register" in page


@pytest.mark.django_db
@pytest.mark.parametrize("development", [True, False])
def test_the_mail_page_is_named_in_development_only(
    client: Client, settings: Any, development: bool
) -> None:
    settings.DEVELOPMENT = development

    page = client.get("/").content.decode()

    assert ("/dev/mail" in page) is development


@pytest.mark.django_db
def test_the_front_page_tells_of_every_health_check(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unwell() -> bool:
        return False

    monkeypatch.setattr(health, "OPTIONAL", health.OPTIONAL | {"coffee_machine": unwell})

    shown = {service["name"]: service["state"] for service in running.services()}

    assert shown == {
        "PostgreSQL": "ok",
        "Database schema": "ok",
        "Redis or Valkey": "ok",
        "Worker": "down",
        "Flags": "ok",
        "Coffee machine": "down",
    }
    page = client.get("/").content.decode()
    assert page.count("Working</span>") == 4
    assert page.count("Not working</span>") == 2


def test_without_a_database_nothing_is_said_of_its_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> bool:
        return False

    monkeypatch.setattr(health, "REQUIRED", health.REQUIRED | {"database": away})

    shown = {service["name"]: service["state"] for service in running.services()}

    assert shown["PostgreSQL"] == "down"
    assert "Database schema" not in shown


@pytest.mark.django_db
def test_an_app_stands_in_the_house_by_its_summary(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = apps.get_app_config("core")
    monkeypatch.setattr(config, "summary", "Bricks <and> mortar.", raising=False)

    rooms = pages._rooms()

    assert {"name": "Core", "summary": "Bricks <and> mortar."} in rooms
    assert "Bricks &lt;and&gt; mortar." in client.get("/").content.decode()


@pytest.mark.parametrize("code", sorted(problems.CATALOG))
def test_the_type_of_every_problem_is_a_page(rf: RequestFactory, code: str) -> None:
    response = pages.problem(rf.get("/"), slug=problems.slug(code))

    page = response.content.decode()
    assert response.status_code == 200
    assert escape(problems.CATALOG[code].title) in page
    assert f'<span class="chip">{code}</span>' in page


def test_the_example_of_a_field_code_stands_inside_errors(rf: RequestFactory) -> None:
    page = pages.problem(rf.get("/"), slug="too-long").content.decode().replace("&quot;", '"')

    assert '"code": "validation_error"' in page
    assert '"code": "too_long"' in page


def test_the_index_links_every_problem(rf: RequestFactory) -> None:
    page = pages.problem_index(rf.get("/")).content.decode()

    assert all(f'href="/problems/{each.slug}"' in page for each in problems.CATALOG.values())


def test_an_unknown_problem_is_not_found(rf: RequestFactory) -> None:
    with pytest.raises(Http404):
        pages.problem(rf.get("/"), slug="nothing-of-ours")


@pytest.mark.parametrize("status", ERRORS)
def test_a_browser_gets_a_page_without_a_query(
    status: int, django_assert_num_queries: Any, db: None
) -> None:
    with django_assert_num_queries(0):
        response = ERRORS[status](browsing())

    assert response.status_code == status
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert escape(pages.WORDS[status][0]) in response.content.decode()


@pytest.mark.parametrize("status", ERRORS)
@pytest.mark.parametrize(
    ("path", "accept"), [("/api/v1/nowhere", BROWSER["Accept"]), ("/nowhere", "*/*")]
)
def test_everybody_else_gets_a_problem(status: int, path: str, accept: str) -> None:
    request = browsing(path, HTTP_ACCEPT=accept)

    response = ERRORS[status](request)

    body = json.loads(response.content)
    assert response.status_code == body["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert status in problems.CATALOG[body["code"]].statuses


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize(
    ("accept", "kind"), [("text/html", "text/html; charset=utf-8"), ("*/*", PROBLEM)]
)
def test_a_page_without_its_database_asks_to_come_back(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], accept: str, kind: str
) -> None:  # PLT 11
    def away(*_: object, **__: object) -> None:
        raise error("server closed the connection unexpectedly")

    monkeypatch.setattr(tokens, "look_up", away)

    response = Client(raise_request_exception=False).get(
        "/verify-email/some-token", headers={"Accept": accept}
    )

    assert response.status_code == 503
    assert response["Retry-After"] == "1"
    assert response["Content-Type"] == kind
    assert b"server closed" not in response.content


def test_the_error_page_quotes_the_request_id_escaped() -> None:
    request = browsing(**{"tenantry.request_id": "a1<b>"})

    page = pages.server_error(request).content.decode()

    assert "a1&lt;b&gt;" in page
    assert "request id" not in pages.server_error(browsing()).content.decode()


def test_the_error_page_repeats_nothing_of_the_exception() -> None:
    page = pages.bad_request(browsing(), ValueError("SELECT secret")).content.decode()

    assert "secret" not in page


def test_a_form_open_for_too_long_is_told_so() -> None:
    response = pages.csrf_failure(browsing(), reason="CSRF cookie not set.")

    page = response.content.decode()
    assert response.status_code == 403
    assert "open for too long" in page
    assert "CSRF" not in page


def test_a_page_answers_other_methods_with_what_is_possible(rf: RequestFactory) -> None:
    refused = pages.problem_index(rf.post("/", headers=BROWSER))
    asked = pages.problem_index(rf.options("/"))

    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (asked.status_code, asked["Allow"], asked.content) == (204, "GET, HEAD, OPTIONS", b"")
