# PLT 22: list pages are bounded on millions of rows, and no page shows a secret.

import pytest
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.forms import ModelChoiceField
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.models import User, UserSession
from accounts.services import sessions
from core.admin import BoundedAdmin, EstimatingPaginator
from core.jobs.rows import execute
from tests.bounds import faults
from tests.conftest import make_user

ROWS = 30_000
REACH = 200

USERS = "/admin/accounts/user/"
SESSIONS = "/admin/accounts/usersession/"
USER_ID = "01900000-0000-7000-8000-000000000007"
PAGES = [
    *(USERS, f"{USERS}?p=2", f"{USERS}?o=2", f"{USERS}?_facets=1"),
    *(f"{USERS}?q=person7", f"{USERS}?q=PERSON777@example.com", f"{USERS}?q=ada nr77"),
    *(f"{USERS}?q=nobody", f"{USERS}?q={USER_ID}", f"{USERS}{USER_ID}/change/"),
    *(f"{USERS}?is_{name}__exact={value}" for name in ("staff", "active") for value in "01"),
    *(f"{USERS}?email_verified_at__isempty={value}" for value in "01"),
    *(SESSIONS, f"{SESSIONS}?p=2", f"{SESSIONS}?o=2"),
    *(f"{SESSIONS}?q=person777@example.com", f"{SESSIONS}?q=nobody@example.com"),
    *(f"{SESSIONS}?q=203.0.113.7", f"{SESSIONS}?q=10.0.0.9", f"{SESSIONS}?q={USER_ID}"),
    *(f"{SESSIONS}?ended_at__isempty={value}" for value in "01"),
]

ADD_USERS = """
INSERT INTO accounts_user (id, created_at, updated_at, email, email_normalized, email_verified_at,
    full_name, language, time_zone, is_active, is_staff, is_superuser, password)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
    now() - n * interval '1 minute', now(), mail, mail, CASE WHEN n < %(rows)s THEN now() END,
    (ARRAY['Ada', 'Grace', 'Uma', 'Sam', 'Lin'])[1 + n %% 5] || ' Nr' || n, 'en', 'UTC',
    n < %(rows)s, n = %(rows)s, false, 'hash'
FROM generate_series(1, %(rows)s) n, LATERAL (SELECT 'person' || n || '@example.com' AS mail) m
"""
ADD_SESSIONS = """
INSERT INTO accounts_usersession (id, created_at, updated_at, user_id, refresh_id, refreshed_at,
    device, ip_address, last_seen_at, expires_at, ended_at, end_reason)
SELECT gen_random_uuid(), created_at, now(), id, gen_random_uuid(), now(), 'Firefox',
    CASE n %% 10 WHEN 0 THEN '203.0.113.7' ELSE '10.0.' || n / 256 || '.' || n %% 256 END::inet,
    now(), now() + interval '9 days', CASE WHEN is_staff THEN now() END, ''
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM accounts_user) numbered
"""
TURN_AROUND = "UPDATE {table} SET {moment} = CASE WHEN {moment} IS NULL THEN now() END"


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(make_user("staff@example.com", staff=True))
    return client


@pytest.fixture
def many(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large tables in which all that is rare is oldest: the last that a walk would come to."""
    monkeypatch.setattr(EstimatingPaginator, "reach", REACH)
    execute("SET LOCAL random_page_cost = 1.1")  # of a disk without heads
    execute(ADD_USERS, rows=ROWS)
    execute(ADD_SESSIONS)
    execute("ANALYZE accounts_user, accounts_usersession")


@pytest.mark.usefixtures("many")
def test_no_statement_reads_a_table_through(staff: Client) -> None:
    assert {page: found for page in PAGES if (found := faults(staff, page))} == {}


@pytest.mark.usefixtures("many")
def test_nor_when_it_is_the_other_way_around(staff: Client) -> None:
    execute(TURN_AROUND.format(table="accounts_user", moment="email_verified_at"))
    execute(TURN_AROUND.format(table="accounts_usersession", moment="ended_at"))
    execute("ANALYZE accounts_user, accounts_usersession")
    pages = [page for page in PAGES if "__" in page]

    assert {page: found for page in pages if (found := faults(staff, page))} == {}


@pytest.mark.usefixtures("many")
def test_beyond_its_reach_a_list_says_that_it_guesses(staff: Client) -> None:
    page = " ".join(staff.get(USERS).content.decode().split())

    assert "of which the first 200 can be paged through" in page
    assert "About 30,100 users" in page
    assert staff.get(f"{USERS}?p=2").status_code == 200
    assert staff.get(f"{USERS}?p=3").status_code == 302


def test_a_short_list_is_counted(staff: Client) -> None:
    page = " ".join(staff.get(USERS).content.decode().split())

    assert "1 user" in page
    assert "About" not in page


@pytest.mark.parametrize("text", ["uma@", "UMA@Example.com", "uma user", " Uma U "])
def test_people_are_found_by_how_they_begin(staff: Client, user: User, text: str) -> None:
    page = staff.get(USERS, {"q": text})

    assert [row.pk for row in page.context["cl"].result_list if row == user] == [user.pk]


@pytest.mark.parametrize("text", ["ma@", "%", "_ma@", "user", "'", "x" * 5_000, "🏠", "::%0"])
def test_odd_searches_find_nobody_and_break_nothing(staff: Client, user: User, text: str) -> None:
    for address in (USERS, SESSIONS):
        page = staff.get(address, {"q": text})

        assert page.status_code == 200
        assert user not in page.context["cl"].result_list


def test_a_null_character_breaks_nothing(staff: Client) -> None:
    assert staff.get(USERS, {"q": "a\x00"}).status_code == 200


def test_sessions_are_found_by_person_and_by_address(staff: Client, user: User) -> None:
    session = start(user, ip_address="2001:db8::7")

    for text in (user.email.upper(), str(user.pk), str(session.pk), "2001:DB8::7"):
        page = staff.get(SESSIONS, {"q": text})
        assert [row.pk for row in page.context["cl"].result_list] == [session.pk], text


@pytest.mark.parametrize(
    "lookup",
    [
        "password__startswith=argon2", "full_name__contains=a", "is_active__in=1",
        "email_verified_at__gte=2020-01-01", "email__regex=a",
    ],
)  # fmt: skip
def test_a_filter_that_the_page_does_not_offer_is_refused(staff: Client, lookup: str) -> None:
    assert staff.get(f"{USERS}?{lookup}").status_code == 400


def test_no_secret_is_shown(staff: Client, user: User) -> None:
    session = start(user, ip_address="192.0.2.1")
    secrets = [
        *(part for part in user.password.split("$") if len(part) > 20),
        str(session.refresh_id),
        session.refresh_id.hex,
    ]
    assert len(secrets) > 3
    pages = [USERS, f"{USERS}{user.pk}/change/", f"{USERS}{user.pk}/history/"]
    pages += [SESSIONS, f"{SESSIONS}{session.pk}/change/", f"{SESSIONS}{session.pk}/history/"]

    for page in pages:
        response = staff.get(page)
        assert response.status_code == 200
        assert [secret for secret in secrets if secret in response.content.decode()] == [], page


def test_an_address_is_written_as_it_is(staff: Client, user: User) -> None:
    page = staff.get(f"{USERS}{user.pk}/change/").content.decode()

    assert "uma@example.com" in page
    assert "Uma@example.com" not in page


def test_filters_are_named_in_words(staff: Client) -> None:
    page = " ".join(staff.get(USERS).content.decode().split())

    assert "May enter the admin</h3>" in page
    assert "By may" not in page
    assert "Not empty" not in page


def test_a_list_without_rows_says_what_would_be_there(staff: Client) -> None:
    assert "No sessions yet" in staff.get(SESSIONS).content.decode()
    assert "Nothing matches" in staff.get(SESSIONS, {"q": "nobody"}).content.decode()


def test_jobs_answers_and_mailed_tokens_have_no_page(staff: Client) -> None:
    registered = {model.__name__ for model in admin.site._registry}

    assert registered == {
        "AuditEntry", "CustomRole", "Invitation", "InvitationBlock", "InvitationLink",
        "InvitationPolicy", "Membership", "Organization", "OwnershipOffer", "User", "UserSession",
        "Environment", "Experiment", "Flag", "FlagChange", "FlagKey", "FlagRules", "PlannedChange",
        "Segment", "StaleFlag",
        "Broadcast", "Delivery", "Notification", "Preference", "PushDevice",
    }  # fmt: skip


def test_every_page_is_bounded_and_offers_no_drop_down_of_rows(staff: Client, user: User) -> None:
    request = RequestFactory().get("/")
    request.user = user

    for page in admin.site._registry.values():
        assert isinstance(page, BoundedAdmin)
        for name, field in page.get_form(request)().fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            if isinstance(field, ModelChoiceField):
                assert isinstance(widget, AutocompleteSelect), name


def start(user: User, *, ip_address: str) -> UserSession:
    sessions.start_session(user=user, device="tests", ip_address=ip_address, now=timezone.now())
    return UserSession.objects.of(user).get()
