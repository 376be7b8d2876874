"""Deleted organizations go for good: in short steps, all of it, resumable."""
# ORG 18

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.conf import settings
from django.db import connection, models
from django.test.utils import CaptureQueriesContext, isolate_apps
from django.utils import timezone

from accounts.models import User
from accounts.prunes import purge_accounts
from accounts.services import deletion
from core import events, pruning
from core.errors import ConflictError, InvalidError
from core.jobs.rows import execute
from organizations import prunes, purging
from organizations.events import OrganizationPurged
from organizations.models import CustomRole, Membership, Organization, Slug, TenantModel
from organizations.services import lifecycle, purge
from tests.conftest import PASSWORD
from tests.core.jobs.queues import database_url
from tests.tenants import custom_role, found, join

DUE = lifecycle.RESTORABLE_FOR
ADD_MEMBERS = """
WITH people AS (
  INSERT INTO accounts_user (id, created_at, updated_at, email, email_normalized, full_name,
      language, time_zone, is_active, is_staff, is_superuser, password)
  SELECT gen_random_uuid(), now(), now(), mail, mail, 'Member ' || n, 'en', 'UTC', true, false,
      false, 'hash'
  FROM generate_series(1, %(rows)s) n, LATERAL (SELECT 'm' || n || '@example.com' AS mail) m
  RETURNING id
)
INSERT INTO organizations_membership
    (id, created_at, updated_at, organization_id, user_id, role, state, joined_at)
SELECT gen_random_uuid(), now(), now(), %(organization)s, id, 'member', 'active', now()
FROM people
"""


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards what the test registers."""
    monkeypatch.setattr(purging, "_elsewhere", {})


@pytest.fixture
def farewells(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[UUID]]:
    """Organizations of which OrganizationPurged told."""
    told: list[UUID] = []

    def note(event: OrganizationPurged) -> None:
        told.append(event.organization_id)

    heard = events._handlers[OrganizationPurged]
    heard.append(note)
    yield told
    heard.remove(note)


def add_members(organization: Organization, rows: int) -> None:
    execute(ADD_MEMBERS, rows=rows, organization=organization.pk)


def delete(organization: Organization, now: datetime) -> None:
    lifecycle.delete(organization_id=organization.pk, actor_id=None, now=now)


def test_it_goes_when_its_30_days_are_over_and_not_before(
    acme: Organization, globex: Organization, farewells: list[UUID], now: datetime
) -> None:
    delete(acme, now)

    assert prunes.purge_organizations(now + DUE - timedelta(seconds=1), False) == 0
    assert prunes.purge_organizations(now + DUE, True) == 1
    assert prunes.purge_organizations(now + DUE, False) == 1
    assert prunes.purge_organizations(now + DUE, False) == 0

    assert list(Organization.objects.all()) == [globex]
    assert farewells == [acme.pk]


def test_nothing_is_left_of_it_and_others_keep_theirs(
    acme: Organization, globex: Organization, user: User, stranger: User, now: datetime
) -> None:
    for organization, someone in ((acme, stranger), (globex, user)):
        join(organization, someone, custom_role(organization, "lamps").key)
    lifecycle.change(organization_id=acme.pk, actor_id=None, slug="acme-lamps", now=now)
    before = purge.counts(organization_id=globex.pk)
    delete(acme, now)

    prunes.purge_organizations(now + DUE, False)

    assert purge.counts(organization_id=acme.pk) == {}
    assert not Slug.objects.for_organization(acme.pk).exists()
    assert purge.counts(organization_id=globex.pk) == before
    assert before == {
        "audit entries": 2,
        "notifications": 1,
        "organizations_customrole": 1,
        "organizations_membership": 2,
    }


def test_name_and_slug_are_reserved_until_then_and_free_afterwards(
    acme: Organization, stranger: User, now: datetime
) -> None:
    delete(acme, now)
    with pytest.raises(InvalidError):
        found("Acme", stranger, slug="acme")

    prunes.purge_organizations(now + DUE, False)

    assert found("Acme", stranger, slug="acme").slug == "acme"


def test_what_is_over_can_not_be_restored(acme: Organization, now: datetime) -> None:
    delete(acme, now)

    with pytest.raises(ConflictError, match="is over"):
        lifecycle.restore(organization_id=acme.pk, now=now + DUE)

    lifecycle.restore(organization_id=acme.pk, now=now + DUE - timedelta(seconds=1))
    assert purge_refused(acme, now + DUE)


def purge_refused(organization: Organization, now: datetime) -> bool:
    with pytest.raises(ConflictError, match="can still be restored"):
        purge.purge(organization_id=organization.pk, now=now)
    return Membership.objects.for_organization(organization.pk).exists()


def test_the_only_members_organization_goes_after_the_account(
    acme: Organization, user: User, now: datetime
) -> None:
    deletion.request(user=user, password=PASSWORD, now=now)
    over = now + deletion.GRACE

    assert prunes.purge_organizations(over, False) == 0  # the account may still come back
    assert purge_accounts(over, False) == 1
    assert prunes.purge_organizations(over, False) == 1
    assert not User.objects.exists()
    assert not Organization.objects.exists()


def test_one_run_of_all_prunes_takes_account_and_organization(
    acme: Organization, user: User, now: datetime
) -> None:
    deletion.request(user=user, password=PASSWORD, now=now)

    pruned = pruning.run(now=now + deletion.GRACE)

    assert (pruned["accounts"], pruned["organizations"]) == (1, 1)
    assert not Organization.objects.exists()


def test_each_statement_and_transaction_is_bounded(
    acme: Organization, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "BATCH", 10)
    add_members(acme, 34)
    delete(acme, now)

    with CaptureQueriesContext(connection) as captured:
        purge.purge(organization_id=acme.pk, now=now + DUE)

    deletes = [q["sql"] for q in captured if q["sql"].startswith("DELETE") and "member" in q["sql"]]
    savepoints = [q["sql"] for q in captured if q["sql"].startswith("SAVEPOINT")]
    assert max(sql.count("::uuid") for sql in deletes) == 10
    assert len(deletes) >= 4
    assert len(savepoints) >= len(deletes)


@pytest.mark.usefixtures("elsewhere")
def test_apps_that_keep_things_elsewhere_take_part(acme: Organization, now: datetime) -> None:
    shelf = {acme.pk: 2500}

    def remove_some(organization_id: UUID, limit: int) -> int:
        assert Membership.objects.for_organization(organization_id).exists()  # theirs comes first
        removed = min(limit, shelf[organization_id])
        shelf[organization_id] -= removed
        return removed

    purging.register("files", remove_some=remove_some, count=lambda pk: shelf.get(pk, 0))
    delete(acme, now)
    assert purge.counts(organization_id=acme.pk) == {"files": 2500, "organizations_membership": 1}

    purge.purge(organization_id=acme.pk, now=now + DUE)

    assert shelf == {acme.pk: 0}
    assert not Organization.objects.exists()


@pytest.mark.usefixtures("elsewhere")
def test_one_that_can_not_go_keeps_no_other(
    acme: Organization, globex: Organization, now: datetime
) -> None:
    def remove_some(organization_id: UUID, limit: int) -> int:
        if organization_id == acme.pk:
            raise OSError("the shelf is locked")
        return 0

    purging.register("files", remove_some=remove_some, count=lambda pk: 0)
    for organization in (acme, globex):
        delete(organization, now)

    with pytest.raises(prunes.PurgeError, match="1 of 2"):
        prunes.purge_organizations(now + DUE, False)

    assert list(Organization.objects.all()) == [acme]


def test_earlier_slugs_that_are_free_go(acme: Organization, now: datetime) -> None:
    lifecycle.change(organization_id=acme.pk, actor_id=None, slug="acme-lamps", now=now)
    free = now + lifecycle.SLUG_KEPT_FOR

    assert prunes.prune_slugs(free - timedelta(seconds=1), False) == 0
    assert prunes.prune_slugs(free, True) == 1
    assert prunes.prune_slugs(free, False) == 1
    assert [slug.slug for slug in Slug.objects.all()] == ["acme-lamps"]


def test_every_tenant_model_takes_part_and_children_come_first() -> None:
    names = [store.name for store in purging.stores()]

    assert {"organizations_customrole", "organizations_membership"} <= set(names)
    assert names.index("organizations_membership") < names.index("organizations_customrole")
    assert "organizations_slug" not in names  # goes with the organization, which has the name


@isolate_apps("organizations")
def test_a_circle_of_models_is_no_trap() -> None:
    class Room(TenantModel):
        lamp = models.ForeignKey("Lamp", models.CASCADE, null=True)

        class Meta:
            app_label = "organizations"

    class Lamp(TenantModel):
        room = models.ForeignKey(Room, models.CASCADE)

        class Meta:
            app_label = "organizations"

    class Bulb(TenantModel):
        lamp = models.ForeignKey(Lamp, models.CASCADE)
        spare_of = models.ForeignKey("self", models.CASCADE, null=True)

        class Meta:
            app_label = "organizations"

    assert purging.children_first([Room, Lamp, Bulb]) == [Bulb, Lamp, Room]


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_killed_half_way_it_goes_on(acme: Organization, now: datetime) -> None:
    """The purge stands at a role that is locked here, with the members gone, and is killed."""
    add_members(acme, 2500)
    role = custom_role(acme, "lamps")
    delete(acme, now - DUE)
    with psycopg.connect(database_url()) as other:
        lock = "SELECT FROM organizations_customrole WHERE id = %s FOR UPDATE"
        other.execute(lock, [role.pk])
        with start("prune") as running:
            wait_until_blocked()
            running.kill()
        assert (members_of(acme), CustomRole.objects.count()) == (0, 1)

    with start("prune", "--json") as again:
        output, _ = again.communicate(timeout=60)

    assert again.returncode == 0
    assert b'"organizations":1' in output
    assert not Organization.objects.exists()


def members_of(organization: Organization) -> int:
    return Membership.objects.for_organization(organization.pk).count()


def start(*words: str) -> "subprocess.Popen[bytes]":
    addresses = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        env={**os.environ, **addresses},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_until_blocked() -> None:
    """Look until a statement on roles waits for a lock: there is no event of that to await."""
    end = timezone.now() + timedelta(seconds=60)
    waiting = (
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND query LIKE '%%organizations_customrole%%'"
    )
    while execute(waiting) == 0:
        assert timezone.now() < end, "the purge never came to the roles"
