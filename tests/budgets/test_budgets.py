"""What the hottest paths may cost. Whoever makes one dearer sees it here, and decides.

Counted in statements, calls, KiB and bytes of the answer, so that a busy machine does not matter.
A budget is about a tenth above what was seen when it was set; one that is left far below wants to
be set anew.
"""

import pytest
from django.test import Client

from accounts.models import User
from organizations.models import Organization
from tests.budgets.counting import cost
from tests.client import ApiClient
from tests.conftest import make_user
from tests.notifications.told import tell
from tests.tenants import join

ROWS = 20


@pytest.fixture
def _rows(api: ApiClient, user: User, acme: Organization) -> None:
    for number in range(ROWS):
        tell(user, f"Build {number} is done", kind=f"k{number}", organization_id=acme.pk)
        join(acme, make_user(f"p{number}@example.com"), "member")


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize(
    ("path", "statements", "calls", "kib", "length"),
    [
        ("notifications", 1, 2_600, 85, 7_000),
        ("notifications?cursor=", 1, 2_600, 80, 7_000),
        ("notifications?is_read=false", 1, 2_750, 80, 7_000),
        ("notifications/unread-count", 1, 1_900, 38, 30),
        ("users/me", 0, 1_600, 36, 210),
        ("users/me/sessions", 1, 1_950, 31, 310),
        ("organizations", 2, 5_300, 48, 240),
        ("organizations/{acme}/members", 2, 2_900, 60, 3_800),
        ("organizations/{acme}/invitations", 2, 5_400, 56, 100),
        ("flags", 0, 1_750, 36, 30),
    ],
)
def test_what_an_answer_costs(
    api: ApiClient, acme: Organization, path: str, statements: int, calls: int, kib: float,
    length: int,
) -> None:  # fmt: skip
    address = f"/api/v1/{path.format(acme=acme.pk)}"
    client = Client(HTTP_AUTHORIZATION=api.defaults["HTTP_AUTHORIZATION"])  # checks no schema

    lengths = []

    def ask() -> None:
        answer = client.get(address)
        assert answer.status_code == 200
        lengths.append(len(answer.content))

    found = cost(ask)

    assert found.statements <= statements
    assert found.trips == 1  # the session and the rate limit in one
    assert found.calls <= calls
    assert found.kib <= kib
    assert max(lengths) <= length
