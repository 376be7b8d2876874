import pytest
from django.db import OperationalError
from django.test import override_settings
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from config.urls import urlpatterns as real_urls
from core import problems
from core.api.exceptions import field_problems
from core.api.views import ApiView
from core.errors import DomainError
from tests.client import ApiClient, problem


class BrokenView(ApiView):
    """Stands for a bug: what it raises must not be seen outside."""

    authentication_classes = []
    permission_classes = []
    schema = None

    def get(self, request: Request) -> Response:
        raise RuntimeError("SELECT password FROM /etc/passwd")


class OutageView(BrokenView):
    def get(self, request: Request) -> Response:
        raise OperationalError("connection to server at 10.0.0.1 failed")


urlpatterns = [
    path("api/v1/broken", BrokenView.as_view()),
    path("api/v1/outage", OutageView.as_view()),
    *real_urls,
]


def every_subclass(kind: type[DomainError]) -> set[type[DomainError]]:
    found = set(kind.__subclasses__())
    return found.union(*(every_subclass(child) for child in found))


def test_every_error_of_ours_has_a_page() -> None:
    codes = {error.code for error in every_subclass(DomainError) if "tests" not in error.__module__}

    assert codes <= problems.CATALOG.keys()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/users/me", 401, "not_authenticated"),
        ("GET", "/api/v1/nowhere", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/v1/auth/token", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/auth/token", 405, "method_not_allowed"),
        ("FOO", "/api/v1/auth/token", 405, "method_not_allowed"),
    ],
)
def test_every_refusal_has_one_shape(
    anonymous: ApiClient, method: str, path: str, status: int, code: str
) -> None:  # PLT 11
    response = anonymous.send(method, path, Accept="text/html")

    assert response.status_code == status
    found = problem(response)
    assert found["code"] == code
    assert found["type"] == f"/problems/{code.replace('_', '-')}"
    assert found["request_id"] == response["X-Request-ID"]
    assert found.keys() == {"type", "title", "status", "code", "detail", "request_id"}


def test_a_refused_method_names_the_possible_ones(anonymous: ApiClient) -> None:  # PLT 11
    response = anonymous.send("PUT", "/api/v1/auth/token")

    assert response["Allow"] == "POST, OPTIONS"


def test_options_answers_with_the_possible_methods(anonymous: ApiClient) -> None:
    response = anonymous.send("OPTIONS", "/api/v1/users/me")

    assert response.status_code == 204
    assert response["Allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"


def test_head_is_get_without_a_body(api: ApiClient) -> None:
    got = api.send("GET", "/api/v1/users/me")

    head = api.send("HEAD", "/api/v1/users/me")

    assert head.status_code == got.status_code == 200
    assert head.content == b""


def test_a_trailing_slash_is_the_same_place(api: ApiClient) -> None:
    assert api.read("/api/v1/users/me/") == api.read("/api/v1/users/me")


@override_settings(ROOT_URLCONF=__name__)
def test_a_bug_shows_nothing_but_the_request_id(anonymous: ApiClient) -> None:  # PLT 11
    response = anonymous.send("GET", "/api/v1/broken")

    assert response.status_code == 500
    found = problem(response)
    assert found["code"] == "internal_error"
    assert found["request_id"] == response["X-Request-ID"]
    assert b"SELECT" not in response.content
    assert b"passwd" not in response.content


@override_settings(ROOT_URLCONF=__name__)
def test_a_database_that_is_away_is_503_for_a_moment(anonymous: ApiClient) -> None:  # PLT 11
    response = anonymous.send("GET", "/api/v1/outage")

    assert response.status_code == 503
    assert problem(response)["code"] == "database_unavailable"
    assert response["Retry-After"] == "1"
    assert b"10.0.0.1" not in response.content


def test_nested_faults_are_pointed_at() -> None:  # PLT 11
    found = field_problems({"rows": [{}, {"a/b": ["Wrong."]}], "non_field_errors": ["Both."]})

    assert [(error.pointer, error.detail) for error in found] == [
        ("/rows/1/a~1b", "Wrong."),
        ("", "Both."),
    ]


def test_too_many_parameters_are_refused(api: ApiClient) -> None:
    response = api.send("GET", "/api/v1/users/me?" + "&".join(f"a{n}=1" for n in range(2000)))

    assert response.status_code == 400


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/users/me", 401),
        ("GET", "/api/v1/nowhere", 404),
        ("GET", "/api/v1/auth/token", 405),
        ("POST", "/api/v1/auth/verify-email", 400),
        ("GET", "/api/v1/broken", 500),
        ("GET", "/api/v1/outage", 503),
    ],
)
def test_every_answer_tells_how_much_is_left(
    anonymous: ApiClient, method: str, path: str, status: int
) -> None:  # PLT 9
    response = anonymous.send(method, path)

    assert response.status_code == status
    assert response["RateLimit-Policy"].startswith('"')
    assert ";r=" in response["RateLimit"]


@override_settings(RATE_LIMITS={"address": "1/60"})
def test_a_token_that_does_not_hold_is_counted_and_refused(anonymous: ApiClient) -> None:  # PLT 9
    answers = [
        anonymous.send("GET", "/api/v1/users/me", Authorization="Bearer nothing") for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [401, 429]
    assert [answer["RateLimit"].partition(";t=")[0] for answer in answers] == ['"address";r=0'] * 2
    assert 1 <= int(answers[1]["Retry-After"]) <= 60
