"""An organization's life over HTTP, with two server processes that share nothing but the stores."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from accounts.services import registration
from invitations.links import PURPOSE
from tests.conftest import PASSWORD
from tests.devices import Device
from tests.mails import newest_secret
from tests.servers import Server, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


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


def register(device: Device, email: str, **more: str) -> None:
    body = {"email": email, "password": PASSWORD, "full_name": email.partition("@")[0].title()}
    assert device.status("POST", "/auth/register", body | more) == 202


def join_us(device: Device, email: str) -> None:
    """Register, prove the address and sign in."""
    register(device, email)
    subject = User.objects.by_email(email).pk  # type: ignore[union-attr]
    token = newest_secret(subject, registration.PURPOSE)
    assert device.status("POST", "/auth/verify-email", {"token": token}) == 204
    device.sign_in(PASSWORD, email)


def test_a_founder_and_those_they_invite(servers: tuple[Server, Server]) -> None:
    founder, newcomer, friend = Device(servers[0]), Device(servers[1]), Device(servers[1])
    join_us(founder, "fay@example.com")
    made = founder.send("POST", "/organizations", {"name": "Acme Lamps"}).json()
    base = f"/organizations/{made['id']}"
    assert (made["slug"], made["role"]) == ("acme-lamps", "owner")

    def invite(email: str, role: str) -> tuple[str, str]:
        answer = founder.send("POST", f"{base}/invitations", {"email": email, "role": role})
        assert answer.status_code == 201, answer.text
        return answer.json()["id"], newest_secret(answer.json()["id"], PURPOSE)

    # A newcomer registers with the link: one step, and they are in.
    _, token = invite("nell@example.com", "member")
    seen = newcomer.send("POST", "/invitations/preview", {"token": token}).json()
    assert seen["organization"]["name"] == "Acme Lamps"
    register(newcomer, "nell@example.com", invitation_token=token)
    newcomer.sign_in(PASSWORD, "nell@example.com")
    assert newcomer.send("GET", base).json()["role"] == "member"

    # Somebody whose account has another address can't use it, and spends nothing by trying.
    join_us(friend, "fred@example.com")
    _, token = invite("fred@work.example.com", "admin")
    refused = friend.send("POST", "/invitations/accept", {"token": token})
    assert (refused.status_code, refused.json()["code"]) == (403, "email_mismatch")
    assert "fred@work.example.com" not in refused.text
    colleague = Device(servers[0])
    join_us(colleague, "fred@work.example.com")
    assert colleague.status("POST", "/invitations/accept", {"token": token}) == 200
    assert colleague.status("POST", "/invitations/accept", {"token": token}) == 200
    assert colleague.send("GET", base).json()["role"] == "admin"

    # Who is removed is out on the next request, and the old link lets nobody back in.
    members = {m["email"]: m for m in founder.send("GET", f"{base}/members").json()["items"]}
    fred = members["fred@work.example.com"]["user_id"]
    assert founder.status("DELETE", f"{base}/members/{fred}") == 204
    assert colleague.status("GET", base) == 404
    again = colleague.send("POST", "/invitations/accept", {"token": token})
    assert (again.status_code, again.json()["code"]) == (410, "invitation_used")
    assert colleague.status("GET", base) == 404

    # The last owner stays, until somebody else is one.
    assert founder.send("POST", f"{base}/leave").json()["code"] == "last_owner"
    nell = members["nell@example.com"]["user_id"]
    assert founder.status("PATCH", f"{base}/members/{nell}", {"role": "owner"}) == 200
    assert founder.status("POST", f"{base}/leave") == 204
    assert (founder.status("GET", base), newcomer.status("GET", base)) == (404, 200)

    told = newcomer.send("GET", f"{base}/audit?page_size=100").json()["items"]
    actions = [entry["action"] for entry in reversed(told)]
    assert actions[0] == "organization.created"
    assert actions.count("invitation.accepted") == 2
    assert {"member.removed", "member.role_changed"} <= set(actions)
