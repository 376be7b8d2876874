"""The admin's page: for looking alone, and quick on large tables."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from audit import readings
from audit.models import AuditEntry
from core.admin import EstimatingPaginator
from core.jobs.rows import execute
from core.models import new_id
from organizations.models import Organization
from organizations.services import lifecycle
from tests.accounts.test_admin_lists import REACH
from tests.audit.entries import entry, last
from tests.bounds import MOST_STATEMENTS, reads_too_much
from tests.conftest import make_user

LIST = "/admin/audit/auditentry/"
ROWS = 30_000
RARE = new_id()
FILL = """
INSERT INTO audit_auditentry (id, created_at, organization_id, actor_kind, actor_id, action,
    target_type, target_id, before, after, ip_address, request_id)
SELECT gen_random_uuid(), now() - n * interval '1 second',
    ('01900000-0000-7000-8000-' || lpad(to_hex(n %% 100), 12, '0'))::uuid, 'user',
    CASE n WHEN %(rows)s THEN %(rare)s ELSE gen_random_uuid() END,
    CASE n WHEN %(rows)s THEN 'organization.purged' ELSE 'member.joined' END,
    'user', gen_random_uuid()::text, '{}', '{}', '192.0.2.1', 'request-' || n
FROM generate_series(1, %(rows)s) n
"""


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(make_user("staff@example.com", staff=True))
    return client


def shown(staff: Client, **query: str) -> list[Any]:
    page = staff.get(LIST, query)
    assert page.status_code == 200
    return list(page.context["cl"].result_list)


def test_also_a_superuser_changes_nothing(staff: Client, acme: Organization) -> None:  # PLT 18, 22
    made = last("organization.created")

    for name in ("add/", f"{made.pk}/delete/"):
        assert staff.get(f"{LIST}{name}").status_code == 403
        assert staff.post(f"{LIST}{name}", {"post": "yes"}).status_code == 403
    assert staff.post(f"{LIST}{made.pk}/change/", {"action": "x"}).status_code == 403
    page = staff.get(f"{LIST}{made.pk}/change/")
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    erased = {"action": "delete_selected", "_selected_action": [str(made.pk)], "post": "yes"}
    staff.post(LIST, erased)
    assert AuditEntry.objects.get(pk=made.pk).action == "organization.created"


def test_entries_are_found_by_what_support_is_told(
    staff: Client, acme: Organization, globex: Organization, user: User
) -> None:
    mine = AuditEntry.objects.get(organization_id=acme.pk)
    theirs = entry(globex.pk, request_id="ticket-7")

    assert [row.pk for row in shown(staff, q="ACME")] == [mine.pk]
    assert [row.pk for row in shown(staff, q=str(acme.pk))] == [mine.pk]
    assert [row.pk for row in shown(staff, q=user.email.upper())] == [mine.pk]
    assert [row.pk for row in shown(staff, q=str(user.pk))] == [mine.pk]
    assert [row.pk for row in shown(staff, q="ticket-7")] == [theirs.pk]
    assert [row.pk for row in shown(staff, q=str(theirs.pk))] == [theirs.pk]


@pytest.mark.parametrize("text", ["acm", "uma@", "nobody@example.com", "%", "x" * 5_000])
def test_odd_searches_find_nothing_and_break_nothing(
    staff: Client, acme: Organization, text: str
) -> None:
    assert shown(staff, q=text) == []


def test_entries_are_filtered_by_action(staff: Client, acme: Organization) -> None:
    lifecycle.suspend(organization_id=acme.pk, reason="a reason", now=timezone.now())

    found = shown(staff, action__exact="organization.suspended")

    assert [row.action for row in found] == ["organization.suspended"]
    page = staff.get(LIST).content.decode()
    assert all(f"?action__exact={action}" in page for action in readings.actions())
    assert staff.get(f"{LIST}?target_id__startswith=0").status_code == 400


def test_no_statement_reads_the_table_through(
    staff: Client, acme: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EstimatingPaginator, "reach", REACH)
    execute("SET LOCAL random_page_cost = 1.1")
    execute(FILL, rows=ROWS, rare=RARE)
    execute("ANALYZE audit_auditentry")
    organization_id = "01900000-0000-7000-8000-000000000007"
    queries = [
        {}, {"p": "2"}, {"q": organization_id}, {"q": "acme"}, {"q": "nobody"}, {"q": str(RARE)},
        {"q": f"request-{ROWS}"}, {"q": str(new_id())}, {"action__exact": "organization.purged"},
        {"action__exact": "member.joined"}, {"action__exact": "role.created"},
    ]  # fmt: skip

    for query in queries:
        with CaptureQueriesContext(connection) as captured:
            shown(staff, **query)
        statements = [each["sql"] for each in captured]
        assert len(statements) <= MOST_STATEMENTS, query
        assert [sql for sql in statements if reads_too_much(sql)] == [], query
