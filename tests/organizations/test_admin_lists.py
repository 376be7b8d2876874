# PLT 22: list pages are bounded on many rows.

from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.admin import EstimatingPaginator
from core.jobs.rows import execute
from organizations.models import Organization, OwnershipOffer
from tests.bounds import faults
from tests.conftest import make_user
from tests.tenants import custom_role, join, person

ORGANIZATIONS, MEMBERSHIPS, ROLES, OFFERS = (
    f"/admin/organizations/{name}/"
    for name in ("organization", "membership", "customrole", "ownershipoffer")
)
LARGE = UUID("01900000-0000-7000-8000-000000000007")
"""The organization to which half of all memberships belong."""
ROWS = 12_000
PAGES = [
    *(ORGANIZATIONS, f"{ORGANIZATIONS}?p=2", f"{ORGANIZATIONS}?o=1"),
    *(f"{ORGANIZATIONS}?suspended_at__isempty={value}" for value in "01"),
    *(f"{ORGANIZATIONS}?deletion_due_at__isempty={value}" for value in "01"),
    *(f"{ORGANIZATIONS}?q=room7", f"{ORGANIZATIONS}?q=nothing", f"{ORGANIZATIONS}?q={LARGE}"),
    *(f"{ORGANIZATIONS}?q=person777@example.com", f"{ORGANIZATIONS}{LARGE}/change/"),
    *(MEMBERSHIPS, f"{MEMBERSHIPS}?p=2", f"{MEMBERSHIPS}?q={LARGE}", f"{MEMBERSHIPS}?q=room7"),
    *(f"{MEMBERSHIPS}?q=person777@example.com", f"{MEMBERSHIPS}?q=nobody@example.com"),
    *(f"{MEMBERSHIPS}?state__exact={s}" for s in ("active", "suspended", "leaving", "removed")),
    f"{MEMBERSHIPS}?q={LARGE}&state__exact=suspended",
    *(ROLES, f"{ROLES}?q={LARGE}", f"{ROLES}?q=nothing"),
    *(OFFERS, f"{OFFERS}?q={LARGE}", f"{OFFERS}?q=person777@example.com"),
]

ADD_USERS = """
INSERT INTO accounts_user (id, created_at, updated_at, email, email_normalized, email_verified_at,
    full_name, language, time_zone, is_active, is_staff, is_superuser, password)
SELECT ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, now(), now(), mail, mail,
    now(), 'Person ' || n, 'en', 'UTC', true, false, false, 'hash'
FROM generate_series(1, %(rows)s) n, LATERAL (SELECT 'person' || n || '@example.com' AS mail) m
"""
ADD_ORGANIZATIONS = """
INSERT INTO organizations_organization (id, created_at, updated_at, name, slug, suspended_at,
    suspension_reason, deletion_due_at)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    now() - n * interval '1 minute', now(), 'Room ' || n, 'room' || n,
    CASE WHEN n = %(rows)s THEN now() END, '', CASE WHEN n > %(rows)s - 3 THEN now() END
FROM generate_series(1, %(rows)s) n
"""
ADD_MEMBERSHIPS = """
INSERT INTO organizations_membership (id, created_at, updated_at, organization_id, user_id, role,
    state, joined_at, removed_at)
SELECT ('0190000' || kind || '-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid, now(), now(),
    CASE kind WHEN 1 THEN %(large)s ELSE
        ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid END,
    ('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid, 'owner',
    CASE WHEN kind = 2 THEN 'active' ELSE
        coalesce((ARRAY['suspended', 'leaving', 'removed'])[n], 'active') END,
    now() - n * interval '1 minute', CASE WHEN kind = 1 AND n = 3 THEN now() END
FROM generate_series(1, %(rows)s) n, generate_series(1, 2) kind
WHERE NOT (kind = 2 AND n = 7)
"""
ADD_ROLES = """
INSERT INTO organizations_customrole (id, created_at, updated_at, organization_id, key, name,
    permissions)
SELECT gen_random_uuid(), now(), now(), id, 'lamps', 'Lamps', '{}' FROM organizations_organization
"""
ADD_OFFERS = """
INSERT INTO organizations_ownershipoffer (id, created_at, updated_at, organization_id,
    offered_by_id, user_id, expires_at)
SELECT gen_random_uuid(), now(), now(), organization_id, user_id, %(other)s, now()
FROM organizations_membership WHERE id::text LIKE '01900002%%'
"""


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(make_user("staff@example.com", staff=True))
    return client


@pytest.fixture
def many(staff: Client, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large tables in which all that is rare is oldest: the last that a walk would come to."""
    monkeypatch.setattr(EstimatingPaginator, "reach", 200)
    execute("SET LOCAL random_page_cost = 1.1")  # of a disk without heads
    execute("SET LOCAL statement_timeout = 60000")  # for making them; the pages take milliseconds
    execute(ADD_USERS, rows=ROWS)
    execute(ADD_ORGANIZATIONS, rows=ROWS)
    execute(ADD_MEMBERSHIPS, rows=ROWS, large=LARGE)
    execute(ADD_ROLES)
    execute(ADD_OFFERS, other=user.pk)
    for table in ("organization", "membership", "customrole", "ownershipoffer"):
        execute(f"ANALYZE organizations_{table}")
    execute("ANALYZE accounts_user")


@pytest.mark.usefixtures("many")
def test_no_statement_reads_a_table_through(staff: Client) -> None:
    assert {page: found for page in PAGES if (found := faults(staff, page))} == {}


@pytest.mark.usefixtures("many")
def test_members_are_counted_as_far_as_that_is_cheap(staff: Client) -> None:
    assert (
        "More than 1,000 members" in staff.get(f"{ORGANIZATIONS}{LARGE}/change/").content.decode()
    )


def found(staff: Client, page: str, text: str) -> list[str]:
    return [str(row.pk) for row in staff.get(page, {"q": text}).context["cl"].result_list]


def test_rows_are_found_by_organization_and_by_person(
    staff: Client, acme: Organization, globex: Organization, user: User, stranger: User
) -> None:
    role = custom_role(acme, "lamps")
    theirs = join(acme, stranger, "admin")
    offer = OwnershipOffer.objects.add(
        organization=acme, offered_by=user, user=stranger, expires_at=timezone.now()
    )

    for text in ("acm", str(acme.pk), "UMA@example.com"):
        assert found(staff, ORGANIZATIONS, text) == [str(acme.pk)], text
    for text in ("acme", "ACME", str(acme.pk)):
        assert len(found(staff, MEMBERSHIPS, text)) == 2, text
        assert found(staff, ROLES, text) == [str(role.pk)]
        assert found(staff, OFFERS, text) == [str(offer.pk)]
    for text in ("SAM@example.com", str(stranger.pk)):
        assert found(staff, MEMBERSHIPS, text)[0] == str(theirs.pk), text
    assert found(staff, MEMBERSHIPS, str(theirs.pk)) == [str(theirs.pk)]
    assert found(staff, OFFERS, "sam@example.com") == [str(offer.pk)]


@pytest.mark.parametrize("text", ["%", "_cme", "'", "x" * 5_000, "🏠", "@", "cme"])
def test_odd_searches_find_nothing_and_break_nothing(
    staff: Client, acme: Organization, text: str
) -> None:
    for page in (ORGANIZATIONS, MEMBERSHIPS, ROLES, OFFERS):
        assert found(staff, page, text) == [], page


def test_filters_are_named_in_words(staff: Client, acme: Organization) -> None:
    page = " ".join(staff.get(ORGANIZATIONS).content.decode().split())

    assert "Suspended</h3>" in page
    assert "Deleted</h3>" in page


def test_a_name_is_text(staff: Client, acme: Organization) -> None:  # ORG 23
    name = "<b>Lamps</b> & 🏠 מנורה"
    Organization.objects.change(acme, name=name)
    member = person(acme, "member")

    pages = [ORGANIZATIONS, f"{ORGANIZATIONS}{acme.pk}/change/", MEMBERSHIPS]
    for page in [*pages, f"{MEMBERSHIPS}?q={member.email}"]:
        text = staff.get(page).content.decode()
        assert "&lt;b&gt;Lamps&lt;/b&gt; &amp; 🏠 מנורה" in text, page
        assert name not in text
