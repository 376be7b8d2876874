"""Row-level security: what PostgreSQL shows to whom, should a query of ours forget to ask."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from accounts.models import User
from core.postgres import row_security
from core.postgres.row_security import NO_SCOPE, ROLE
from invitations.models import Invitation
from organizations import wall
from organizations.models import Membership, Organization
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import secret
from tests.servers import Server, running
from tests.tenants import found, signed_in

ROOT, OWN = "/api/v1/organizations", "/api/v1/invitations/"


@pytest.fixture
def confined(db: None, settings: Settings, acme: Organization, globex: Organization) -> None:
    """From here on the test works as a confined server does; its transaction undoes all of it."""
    settings.TENANT_RLS = True
    with connection.cursor() as cursor:  # what was written is checked before tables are altered
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    wall.put_up()
    if row_security.tell not in connection.connection._notice_handlers:
        connection.connection.add_notice_handler(row_security.tell)
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")


def seen() -> set[UUID]:
    return {row.organization_id for row in Membership.objects.all()}


@pytest.mark.usefixtures("confined")
def test_without_an_organization_nothing_is_seen_and_the_log_tells() -> None:  # ORG 21
    with capture_logs() as lines:
        assert seen() == set()
        assert not Organization.objects.exists()

    assert {(line["event"], line["message"]) for line in lines} == {("postgres.warning", NO_SCOPE)}


@pytest.mark.usefixtures("confined")
def test_a_scope_shows_its_organization_alone(acme: Organization, globex: Organization) -> None:
    with row_security.within(acme.pk):
        assert seen() == {acme.pk}
        assert [row.pk for row in Organization.objects.all()] == [acme.pk]
        with row_security.everywhere():
            assert seen() == {acme.pk, globex.pk}
        assert seen() == {acme.pk}

    assert seen() == set()


@pytest.mark.usefixtures("confined")
def test_nothing_is_written_into_another_organization(
    acme: Organization, globex: Organization, user: User
) -> None:
    with row_security.within(acme.pk):
        assert Membership.objects.for_organization(globex.pk).move("suspended") == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Membership.objects.add(
                organization=globex, user=user, role="owner", joined_at=acme.created_at
            )


@pytest.mark.usefixtures("confined")
def test_an_error_takes_its_scope_along(acme: Organization) -> None:
    with pytest.raises(ZeroDivisionError), row_security.within(acme.pk):
        raise ZeroDivisionError

    assert seen() == set()


@pytest.mark.usefixtures("confined")
def test_the_api_works_behind_the_wall(
    api: ApiClient, acme: Organization, globex: Organization, user: User
) -> None:
    assert api.read(f"{ROOT}/{acme.pk}/members")["total"] == 1
    assert [row["slug"] for row in api.read(ROOT)["items"]] == ["acme"]
    assert api.send("PATCH", f"{ROOT}/{acme.pk}", {"slug": "acme-two"}).status_code == 200
    assert api.send("POST", ROOT, {"name": "Third"}).status_code == 201
    assert api.send("GET", f"{ROOT}/{globex.pk}").status_code == 404
    assert api.send("POST", f"{ROOT}/{acme.pk}/leave").status_code == 409


@pytest.mark.usefixtures("confined")
def test_invitations_work_behind_the_wall(
    api: ApiClient, anonymous: ApiClient, acme: Organization, stranger: User
) -> None:
    invitations, as_stranger = f"{ROOT}/{acme.pk}/invitations", signed_in(stranger)
    for email in (stranger.email, "new@example.com", "no@example.com"):
        assert api.send("POST", invitations, {"email": email, "role": "viewer"}).status_code == 201
    with row_security.everywhere():
        tokens = {i.email: secret(i) for i in Invitation.objects.for_organization(acme.pk)}

    joined = as_stranger.send("POST", OWN + "accept", {"token": tokens[stranger.email]})
    anonymous.send(
        "POST",
        "/api/v1/auth/register",
        {
            "email": "new@example.com",
            "password": PASSWORD,
            "invitation_token": tokens["new@example.com"],
        },
    )
    assert anonymous.get(f"/invitations/{tokens['no@example.com']}").status_code == 200
    declined = anonymous.send("POST", OWN + "decline", {"token": tokens["no@example.com"]})

    assert (joined.status_code, declined.status_code) == (200, 200)
    assert api.read(f"{ROOT}/{acme.pk}/members")["total"] == 3
    assert [i["status"] for i in api.read(invitations)["items"]] == [
        "declined", "accepted", "accepted",
    ]  # fmt: skip


def test_every_table_of_tenants_rows_is_guarded(transactional_db: None, settings: Settings) -> None:
    settings.TENANT_RLS = True

    call_command("migrate", verbosity=0)

    assert wall.finding().status == "ok"
    assert wall.columns().keys() >= {"organizations_organization", "organizations_membership"}
    assert wall.unguarded() == set()


@pytest.fixture
def server(transactional_db: None, settings: Settings, tmp_path: Path) -> Iterator[Server]:
    settings.TENANT_RLS = True
    wall.put_up()
    with running(tmp_path / "log", TENANT_RLS="1", WEB_THREADS="2", RATE_LIMITS="{}") as started:
        yield started


@pytest.mark.server
def test_two_tenants_on_the_same_connections_never_see_each_other(server: Server) -> None:  # ORG 21
    tenants = {}
    for name in ("red", "blue"):
        owner = make_user(f"{name}@example.com")
        organization = found(name, owner, slug=name)
        token = signed_in(owner).defaults["HTTP_AUTHORIZATION"]
        tenants[name] = (organization.pk, {"Authorization": token})
    together = threading.Barrier(8)

    def hammer(number: int) -> set[tuple[str, ...]]:
        name = ("red", "blue")[number % 2]
        pk, headers = tenants[name]
        together.wait()
        answers = set()
        for _ in range(25):
            mine = server.get(ROOT, headers=headers).json()["items"]
            members = server.get(f"{ROOT}/{pk}/members", headers=headers).json()["items"]
            answers.add((*(row["slug"] for row in mine), *(row["email"] for row in members)))
        return answers

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(hammer, range(8)))

    for number, told in enumerate(answers):
        name = ("red", "blue")[number % 2]
        assert told == {(name, f"{name}@example.com")}
    assert NO_SCOPE not in server.log.read_text()
