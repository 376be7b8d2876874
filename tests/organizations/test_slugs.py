"""An organization's name in addresses: one holder, whoever asks first, and no dead links."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import User
from organizations.models import Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.tenants import person, signed_in

ROOT = "/api/v1/organizations"
BY_SLUG = f"{ROOT}/by-slug"
KEPT = timedelta(days=90)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def rename(organization: Organization, slug: str, now: datetime) -> None:
    lifecycle.change(organization_id=organization.pk, actor_id=None, slug=slug, now=now)


def create(client: ApiClient, slug: str | None, name: str = "Umbrella") -> Any:
    body = {"name": name} | ({} if slug is None else {"slug": slug})
    return client.send("POST", ROOT, body)


@pytest.mark.parametrize("slug", ["acme", "ACME", "Acme"])
def test_a_member_finds_it_by_its_slug(  # ORG 11
    api: ApiClient, acme: Organization, slug: str
) -> None:
    assert api.read(f"{BY_SLUG}/{slug}") == api.read(f"{ROOT}/{acme.pk}")


def test_an_earlier_slug_leads_to_the_present_one_for_90_days(  # ORG 11
    acme: Organization, user: User, now: datetime
) -> None:
    rename(acme, "apex", now - KEPT + timedelta(seconds=1))
    rename(acme, "zenith", now)
    client = signed_in(user)

    with time_machine.travel(now, tick=False):
        for earlier in ("acme", "APEX"):
            moved = client.send("GET", f"{BY_SLUG}/{earlier}")
            assert (moved.status_code, moved["Location"]) == (308, f"{BY_SLUG}/zenith")
        assert client.read(moved["Location"])["id"] == str(acme.pk)
    with time_machine.travel(now + timedelta(seconds=1), tick=False):
        assert client.send("GET", f"{BY_SLUG}/acme").status_code == 404
        assert client.send("GET", f"{BY_SLUG}/apex").status_code == 308


def test_it_leads_a_stranger_nowhere(  # ORG 1, ORG 11
    acme: Organization, stranger: User, now: datetime
) -> None:
    former = person(acme, "admin")
    members.leave(organization_id=acme.pk, user_id=former.pk, now=now)
    rename(acme, "apex", now)

    told = {
        str(problem(signed_in(who).send("GET", f"{BY_SLUG}/{slug}")) | {"request_id": ""})
        for who in (stranger, former)
        for slug in ("acme", "apex", "nobody-has-this")
    }

    assert len(told) == 1
    assert "not_found" in told.pop()


def test_a_deleted_organization_is_found_by_nobody(
    api: ApiClient, acme: Organization, now: datetime
) -> None:
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=now)

    assert api.send("GET", f"{BY_SLUG}/acme").status_code == 404
    assert problem(create(api, "acme"))["errors"][0]["pointer"] == "/slug"  # ORG 18


@pytest.mark.parametrize("slug", ["%00", "a%20b", "%F0%9F%8D%8B", "a.b", "x" * 3000])
def test_what_is_no_slug_is_found_nowhere(api: ApiClient, acme: Organization, slug: str) -> None:
    assert problem(api.send("GET", f"{BY_SLUG}/{slug}"))["status"] == 404


@pytest.mark.parametrize("slug", ["admin", "api", "new", "Admin", " by-slug ", "well-known"])
def test_reserved_words_are_refused(api: ApiClient, slug: str) -> None:  # ORG 11
    refused = problem(create(api, slug))

    assert (refused["status"], refused["errors"][0]["pointer"]) == (400, "/slug")
    assert not Organization.objects.exists()


@pytest.mark.parametrize("slug", ["a_b", "-a", "a--b", "a b", "é", "a" * 64, "", "a\n"])
def test_a_slug_is_plain(api: ApiClient, slug: str) -> None:
    answer = create(api, slug)

    if slug == "a\n":  # blanks around it are taken off
        assert answer.json()["slug"] == "a"
    else:
        assert problem(answer)["errors"][0]["pointer"] == "/slug"


def test_it_is_unique_without_case(api: ApiClient, globex: Organization) -> None:  # ORG 11
    assert problem(create(api, "GLOBEX"))["errors"][0]["pointer"] == "/slug"
    assert create(api, "Initech").json()["slug"] == "initech"


def test_left_out_it_is_made_from_the_name(api: ApiClient, globex: Organization) -> None:
    assert create(api, None, "Ümläut & Söhne").json()["slug"] == "umlaut-sohne"
    assert create(api, None, "Globex").json()["slug"].startswith("globex-")
    assert create(api, None, "Admin").json()["slug"].startswith("admin-")
    assert create(api, None, "🍋").json()["slug"].startswith("organization-")


def test_an_earlier_slug_is_kept_from_others_for_90_days(  # ORG 11
    acme: Organization, stranger: User, now: datetime
) -> None:
    rename(acme, "apex", now)
    client = signed_in(stranger)

    with time_machine.travel(now + KEPT - timedelta(seconds=1), tick=False):
        client = signed_in(stranger)
        assert problem(create(client, "acme"))["errors"][0]["pointer"] == "/slug"
    with time_machine.travel(now + KEPT, tick=False):
        client = signed_in(stranger)
        assert create(client, "acme").status_code == 201


def test_an_organization_takes_its_earlier_slug_back(  # ORG 11
    api: ApiClient, acme: Organization, now: datetime
) -> None:
    rename(acme, "apex", now)

    back = api.send("PATCH", f"{ROOT}/{acme.pk}", {"slug": "acme"})

    assert back.json()["slug"] == "acme"
    assert api.send("GET", f"{BY_SLUG}/apex")["Location"] == f"{BY_SLUG}/acme"


def test_of_two_at_the_same_moment_one_gets_it(transactional_db: None) -> None:  # ORG 11
    clients = [signed_in(make_user(f"{n}@example.com")) for n in range(2)]
    for round_ in range(10):
        together = Barrier(2)

        def attempt(client: ApiClient, slug: str, together: Barrier = together) -> int:
            together.wait()
            status: int = create(client, slug).status_code
            connection.close()
            return status

        with ThreadPoolExecutor(2) as pool:
            slug = f"only-{round_}"
            statuses = list(pool.map(attempt, clients, [slug, slug.upper()]))

        assert sorted(statuses) == [201, 400]
    assert Organization.objects.count() == 10
