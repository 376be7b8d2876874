"""Making organizations: names of all kinds, lists of all sizes, and how many one may make."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.models import new_id
from organizations.models import Membership, Organization
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.tenants import custom_role, found, signed_in

ROOT = "/api/v1/organizations"


def create(client: ApiClient, name: str) -> Any:
    return client.send("POST", ROOT, {"name": name})


@pytest.mark.parametrize(
    "name",
    [
        "🍋 Zitrone 👩‍👩‍👧",
        "شركة المثال",
        "<script>alert(1)</script>",
        'O\'Neil & "Sons"',
        "x" * 255,
        "審計",
    ],
)
def test_a_name_is_kept_as_it_is(api: ApiClient, name: str) -> None:  # ORG 23
    made = create(api, name).json()

    assert made["name"] == name
    assert api.read(f"{ROOT}/{made['id']}")["name"] == name
    changed = api.send("PATCH", f"{ROOT}/{made['id']}", {"name": f"  {name}\u00a0"})
    assert changed.json()["name"] == name


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "invalid"), ("   ", "invalid"), ("\u2003", "invalid"), ("x" * 256, "too_long")],
)
def test_a_name_is_neither_blank_nor_endless(  # ORG 23
    api: ApiClient, name: str, code: str
) -> None:
    refused = problem(create(api, name))

    assert [(e["pointer"], e["code"]) for e in refused["errors"]] == [("/name", code)]
    assert not Organization.objects.exists()


def test_the_creator_is_its_owner(api: ApiClient, user: User) -> None:
    made = create(api, "Umbrella").json()

    assert made.keys() == {"id", "name", "slug", "role", "created_at"}
    assert made["role"] == "owner"
    assert Membership.objects.for_organization(made["id"]).owners().get().user_id == user.pk


def test_a_thousand_organizations_cost_as_much_as_one(  # ORG 24
    api: ApiClient, user: User, acme: Organization
) -> None:
    api.read(ROOT)  # who the caller is has to be read once

    def cost(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            api.read(ROOT + query)
        return len(queries)

    queries = ["", "?page_size=100", "?cursor=", "?search=a", "?ordering=name"]
    of_one = [cost(query) for query in queries]
    _many(user, 999)

    assert api.read(ROOT)["total"] == 1000
    assert [cost(query) for query in queries] == of_one
    assert cost("?cursor=") == 1


def test_who_belongs_nowhere_sees_an_empty_list(  # ORG 24
    api: ApiClient, globex: Organization
) -> None:
    found = api.read(ROOT)

    assert (found["items"], found["total"]) == ([], 0)


def _many(user: User, count: int) -> None:
    """Put the user in organizations of others, in all kinds of roles."""
    now, boss = timezone.now(), make_user("boss@example.com")
    rows = [Organization(id=new_id(), name=f"Org {n}", slug=f"org-{n}") for n in range(count)]
    Organization.objects.add_all(rows)
    owners = [Membership(organization=row, user=boss, role="owner", joined_at=now) for row in rows]
    mine = [
        Membership(
            organization=row,
            user=user,
            role="custom" if n < 10 else "viewer",
            custom_role=custom_role(row, "auditor") if n < 10 else None,
            joined_at=now - timedelta(minutes=n),
        )
        for n, row in enumerate(rows)
    ]
    Membership.objects.add_all([*owners, *mine])


def test_creation_can_be_left_to_operators(  # ORG 25
    api: ApiClient, settings: Any
) -> None:
    settings.ORGANIZATIONS_PER_USER = 0

    refused = problem(create(api, "Umbrella"))

    assert refused["code"] == "forbidden"
    assert "operator" in refused["detail"]
    assert not Organization.objects.exists()


def test_the_limit_is_told_and_counts_ones_own_alone(  # ORG 25
    api: ApiClient, user: User, globex: Organization, settings: Any
) -> None:
    settings.ORGANIZATIONS_PER_USER = 1
    found("Mine", user)

    refused = problem(create(api, "Umbrella"))

    assert refused["code"] == "forbidden"
    assert refused["detail"] == "You have made as many organizations as one may here: 1."
    assert Organization.objects.count() == 2


def test_the_limit_is_exact_when_ten_come_at_once(  # ORG 25
    transactional_db: None, settings: Any
) -> None:
    settings.ORGANIZATIONS_PER_USER = 3
    client = signed_in(make_user("uma@example.com"))

    def attempt(number: int) -> int:
        status: int = create(client, f"Umbrella {number}").status_code
        connection.close()
        return status

    with ThreadPoolExecutor(10) as pool:
        statuses = Counter(pool.map(attempt, range(10)))

    assert statuses == {201: 3, 403: 7}
    assert Organization.objects.count() == 3
