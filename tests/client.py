"""The client that tests call the API with: the whole chain of middleware, every answer checked."""

from typing import Any

import orjson
from django.http import HttpResponse
from django.test import Client, TestCase
from django.utils import timezone

from accounts.models import User
from accounts.services import sessions
from tests import openapi


class ApiClient(Client):
    """Sends JSON, signs in with tokens, and fails on an answer that the schema does not promise."""

    def __init__(self, **defaults: Any) -> None:
        super().__init__(raise_request_exception=False, **defaults)

    def request(self, **request: Any) -> Any:
        # A test's own transaction never commits: do what would follow each request's commit.
        with TestCase.captureOnCommitCallbacks(execute=True):
            response = super().request(**request)
        content = b"" if response.streaming else response.content
        openapi.check(
            request["REQUEST_METHOD"],
            request["PATH_INFO"],
            response.status_code,
            response.get("Content-Type", ""),
            content,
        )
        return response

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a body as JSON; header names are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        kind = given.pop("content-type", "application/json")
        return self.generic(method, path, data, content_type=kind, headers=given)

    def read(self, path: str, **headers: str) -> Any:
        response = self.send("GET", path, **headers)
        assert response.status_code == 200, response.content
        return orjson.loads(response.content)

    def sign_in(self, user: User) -> sessions.TokenPair:
        """Begin a session and send its access token from now on."""
        pair = sessions.start_session(
            user=user, device="tests", ip_address="127.0.0.1", now=timezone.now()
        )
        self.defaults["HTTP_AUTHORIZATION"] = f"Bearer {pair.access}"
        return pair


def problem(response: HttpResponse) -> dict[str, Any]:
    """Return the problem of a refusal, whose media type has to be RFC 9457's."""
    assert response["Content-Type"] == "application/problem+json", response.content
    found: dict[str, Any] = orjson.loads(response.content)
    assert found["status"] == response.status_code
    return found
