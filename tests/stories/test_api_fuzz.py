"""Whatever the schema allows, and much that it does not: no 5xx and no answer it does not name."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import sessions
from tests.servers import Server, running

pytestmark = [pytest.mark.server, pytest.mark.django_db(transaction=True)]

# A token that nobody was sent, a key used twice, a password that is too weak: refusing those is
# right, though the schema alone can't tell them from good ones.
CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "410", "422", "429"]
"""
EXAMPLES = 5


@pytest.mark.timeout(300)
def test_no_input_finds_an_answer_that_is_not_documented(tmp_path: Path, user: User) -> None:
    pair = sessions.start_session(
        user=user, device="fuzz", ip_address="127.0.0.1", now=timezone.now()
    )
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)

    with running(tmp_path / "log", RATE_LIMITS="{}") as server:
        found = schemathesis(server, pair.access, tmp_path)

    assert found.returncode == 0, found.stdout[-8000:]
    assert "Traceback" not in server.log.read_text()


def schemathesis(server: Server, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).parent / "schemathesis"
    return subprocess.run(
        [
            *(str(command), "--config-file", "schemathesis.toml", "run"),
            f"{server.base}/api/schema",
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--max-examples", str(EXAMPLES)),
            *("--exclude-path", "/api/v1/auth/logout"),  # it would sign the others out
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
