# PLT 20: the log of real processes names request and person, and holds no secret.

import json
import re
import secrets
from pathlib import Path
from typing import Any

import httpx2
import pytest

from accounts.models import User
from core import tokens
from core.models import MailedToken
from tests.conftest import PASSWORD, make_user
from tests.core.jobs import queues
from tests.core.jobs.processes import WorkerProcess
from tests.servers import Server, running

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("queue")]

CSRF_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def test_a_server_and_a_worker_log_who_asked_and_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "log"
    user = make_user("staff@example.com", staff=True)
    with running(log, LOG_LEVEL="DEBUG") as server:
        said = [*api_visit(server), *admin_visit(server), *page_visit(server)]
    with WorkerProcess(database_url=queues.database_url()) as worker:
        mailed = worker.logged("job.succeeded", request_id="registering")

    written = log.read_text() + json.dumps(worker.journal.lines)
    assert [secret for secret in said if secret in written] == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = {line["request_id"]: line for line in lines if line["event"] == "http.request"}
    assert requests["asking"]["user_id"] == str(user.pk)
    assert requests["asking"]["status"] == 200
    assert all(line["request_id"] and line["trace_id"] for line in requests.values())
    assert mailed["trace_id"] == requests["registering"]["trace_id"]


def api_visit(server: Server) -> list[str]:
    """Send every kind of secret that the API knows, rightly and wrongly; return them."""
    fresh, forged = secrets.token_urlsafe(24), secrets.token_urlsafe(32)
    new = {"email": "new@example.com", "password": fresh, "full_name": "New"}
    called(server, 202, "register", new, name="registering")
    credentials = {"email": "staff@example.com", "password": PASSWORD}
    pair = called(server, 200, "token", credentials)
    me = server.get("/api/v1/users/me", headers=bearer(pair["access"]) | {"X-Request-ID": "asking"})
    renewed = called(server, 200, "token/refresh", {"refresh": pair["refresh"]})
    called(server, 401, "token", credentials | {"password": forged})
    called(server, 400, "token", credentials | {"pasword": forged})
    called(server, 401, "token/refresh", {"refresh": forged})
    called(server, 410, "verify-email", {"token": forged})
    broken = server.post("/api/v1/auth/token", content=b'{"password": "' + forged.encode())
    in_url = server.get(f"/api/v1/users/me?token={forged}&access={forged}")
    as_key = server.get("/api/v1/users/me", headers={"Authorization": f"Api-Key {forged}"})

    assert me.status_code == 200
    assert {broken.status_code, in_url.status_code, as_key.status_code} <= {400, 401, 415}
    return [PASSWORD, fresh, forged, *(parts(pair)), *(parts(renewed))]


def parts(pair: dict[str, Any]) -> list[str]:
    """Return the signatures too: a token that is cut is still most of a token."""
    both = [pair["access"], pair["refresh"]]
    return [*both, *(token.rpartition(".")[2] for token in both)]


def admin_visit(server: Server) -> list[str]:

    wrong = secrets.token_urlsafe(24)
    with httpx2.Client(base_url=server.base, timeout=15, trust_env=False) as browser:
        for password in (wrong, PASSWORD):
            (hidden,) = CSRF_FIELD.findall(browser.get("/admin/login/").text)
            form = {"username": "staff@example.com", "password": password}
            browser.post("/admin/login/", data=form | {"csrfmiddlewaretoken": hidden})
        assert browser.get("/admin/accounts/user/").status_code == 200
        cookies = [str(cookie.value) for cookie in browser.cookies.jar]
    assert len(cookies) == 2
    return [wrong, hidden, *cookies]


def page_visit(server: Server) -> list[str]:
    """Open the link of a mail: the only secret that stands in a path."""
    user = User.objects.get(email_normalized="new@example.com")
    token = tokens.secret_of(MailedToken.objects.of("verify_email", user.pk).get())
    assert server.get(f"/verify-email/{token}").status_code == 200
    assert server.get(f"/verify-email/{token}x").status_code in {404, 410}
    return [token]


def called(
    server: Server, status: int, call: str, body: dict[str, str], *, name: str = "any"
) -> Any:
    answer = server.post(f"/api/v1/auth/{call}", json=body, headers={"X-Request-ID": name})
    assert answer.status_code == status, answer.text
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
