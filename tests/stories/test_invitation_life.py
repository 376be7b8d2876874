"""An invitation's life over HTTP, with two server processes and a worker's jobs."""

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from django.core import mail

from core.jobs.runner import work_off
from invitations.models import Invitation
from organizations.models import Membership
from tests.conftest import PASSWORD, make_user
from tests.devices import Device, at_once
from tests.invitations.invited import ADA, role_of, secret
from tests.servers import Server, running
from tests.tenants import found

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]

OWNER = "olga@example.com"


@pytest.fixture(scope="module")
def servers(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Server]]:
    logs = tmp_path_factory.mktemp("logs")
    with (
        running(logs / "here", RATE_LIMITS="{}") as here,
        running(logs / "there", RATE_LIMITS="{}") as there,
    ):
        yield here, there


def device(server: Server, email: str) -> Device:
    made = Device(server)
    made.sign_in(PASSWORD, email)
    return made


def test_from_an_invitation_to_a_member(servers: tuple[Server, Server]) -> None:  # INV 1, 6, 13
    acme = found("Acme", make_user(OWNER))
    owner, ada = device(servers[0], OWNER), Device(servers[1])
    invitations = f"/organizations/{acme.pk}/invitations"
    made = owner.send("POST", invitations, {"email": ADA, "role": "viewer"}).json()
    old = mailed()

    assert owner.status("POST", f"{invitations}/{made['id']}/resend") == 200
    token = mailed()
    assert ada.send("POST", "/invitations/preview", {"token": old}).json()["code"] == (
        "invitation_revoked"
    )
    shown = ada.send("POST", "/invitations/preview", {"token": token}).json()
    assert (shown["organization"]["name"], shown["role"]) == ("Acme", "viewer")
    new = {"email": ADA, "password": PASSWORD, "full_name": "Ada", "invitation_token": token}
    assert ada.status("POST", "/auth/register", new) == 202

    ada.sign_in(PASSWORD, ADA)
    assert [o["name"] for o in ada.send("GET", "/organizations").json()["items"]] == ["Acme"]
    assert ada.status("POST", "/invitations/accept", {"token": token}) == 200
    listed = owner.send("GET", invitations).json()["items"]
    assert [(row["status"], row["sent_count"]) for row in listed] == [("accepted", 2)]
    assert servers[1].get(f"/invitations/{token}").status_code == 410
    for server in servers:
        logged = server.log.read_text()
        assert token not in logged
        assert old not in logged


def mailed() -> str:
    """Send what waits, and return the token of the latest invitation."""
    work_off()
    match = re.search(r"/invitations/([A-Za-z0-9_-]{43})", str(mail.outbox[-1].body))
    assert match is not None
    return match[1]


def test_fifty_acceptances_at_two_servers_make_one_member(  # INV 3
    servers: tuple[Server, Server],
) -> None:
    acme = found("Acme", make_user(OWNER))
    ada = make_user(ADA)
    owner, devices = device(servers[0], OWNER), [device(server, ADA) for server in servers]
    owner.send("POST", f"/organizations/{acme.pk}/invitations", {"email": ADA, "role": "member"})
    body = {"token": secret(Invitation.objects.get())}

    answers = at_once(50, lambda n: devices[n % 2].status("POST", "/invitations/accept", body))

    assert Counter(answers) == {200: 50}
    assert Membership.objects.of(ada.pk).count() == 1
    assert role_of(acme, ada) == "member"


def test_sixty_invitations_at_two_servers_make_one(servers: tuple[Server, Server]) -> None:  # INV 7
    acme = found("Acme", make_user(OWNER))
    devices = [device(server, OWNER) for server in servers]
    path, body = f"/organizations/{acme.pk}/invitations", {"email": ADA, "role": "member"}

    answers = at_once(60, lambda n: devices[n % 2].status("POST", path, body))

    assert Counter(answers) == {201: 1, 409: 59}
    assert Invitation.objects.count() == 1


def test_a_person_is_out_everywhere_and_the_old_link_leads_nowhere(
    servers: tuple[Server, Server],
) -> None:
    acme = found("Acme", make_user(OWNER))
    ada = make_user(ADA)
    owner, here = device(servers[0], OWNER), device(servers[1], ADA)
    owner.send("POST", f"/organizations/{acme.pk}/invitations", {"email": ADA, "role": "member"})
    body = {"token": secret(Invitation.objects.get())}
    assert here.status("POST", "/invitations/accept", body) == 200

    assert owner.status("DELETE", f"/organizations/{acme.pk}/members/{ada.pk}") == 204

    assert here.status("GET", f"/organizations/{acme.pk}") == 404
    assert here.status("POST", "/invitations/accept", body) == 410
