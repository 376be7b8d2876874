"""Links that many may use: made, used, rotated and revoked."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django.fixtures import Settings

from accounts.models import User
from audit.models import AuditEntry
from core.jobs.runner import work_off
from invitations import page_words
from invitations.models import InvitationLink
from invitations.services import linking, policies
from organizations.models import CustomRole, Membership, Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import ADA, MINE, role_of
from tests.mails import newest_token
from tests.tenants import custom_role, join, person, signed_in


def links(organization: Organization, link: InvitationLink | None = None) -> str:
    base = f"/api/v1/organizations/{organization.pk}/invitation-links"
    return f"{base}/{link.pk}" if link else base


def make(organization: Organization, by: User, **more: Any) -> tuple[InvitationLink, str]:
    """Return a link and its token."""
    link, address = linking.create(
        organization_id=organization.pk, actor_id=by.pk, now=timezone.now(),
        **{"role": "member", **more},
    )  # fmt: skip
    return link, address.rpartition("/")[2]


def send(client: ApiClient, what: str, token: str, **more: Any) -> Any:
    return client.send("POST", f"{MINE}/{what}", {"token": token, **more})


def uses(link: InvitationLink) -> int:
    return InvitationLink.objects.by_id(link.pk).uses


@pytest.fixture
def ada(db: None) -> User:
    return make_user(ADA)


def test_a_link_is_shown_when_it_is_made_and_never_again(  # INV 1, 22
    api: ApiClient, acme: Organization, user: User
) -> None:
    answer = api.send("POST", links(acme), {"role": "member"})

    assert answer.status_code == 201
    made = answer.json()
    assert made.keys() == {
        "id", "role", "role_exists", "status", "max_uses", "uses", "allowed_domains", "created_by",
        "expires_at", "created_at", "link",
    }  # fmt: skip
    assert made["created_by"] == {"id": str(user.pk), "full_name": "Uma User"}
    assert (made["max_uses"], made["uses"], made["status"]) == (25, 0, "open")
    lifetime = _moment(made["expires_at"]) - _moment(made["created_at"])
    assert lifetime == timedelta(days=7)
    token = made.pop("link").rpartition("/")[2]
    assert len(token) == 43
    assert api.read(f"{links(acme)}/{made['id']}") == made
    assert api.read(links(acme))["items"] == [made]


def _moment(text: str) -> Any:
    return parse_datetime(text)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "king"}, "/role"),
        ({"role": "member", "max_uses": 0}, "/max_uses"),
        ({"role": "member", "max_uses": 1001}, "/max_uses"),
        (
            {"role": "member", "allowed_domains": ["a.example", "not a domain"]},
            "/allowed_domains/1",
        ),
        ({"role": "member", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ({"role": "member", "expires_at": "2999-01-01T00:00:00Z"}, "/expires_at"),
        ({"role": "member", "uses": 1}, "/uses"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    api: ApiClient, acme: Organization, body: dict[str, Any], pointer: str
) -> None:
    refused = problem(api.send("POST", links(acme), body))

    assert (refused["status"], [e["pointer"] for e in refused["errors"]]) == (400, [pointer])
    assert not InvitationLink.objects.exists()


def test_only_owners_hand_out_more_than_a_member_may(acme: Organization, api: ApiClient) -> None:
    custom_role(acme, "greeter", "invitations.read")  # INV 22
    custom_role(acme, "reader", "members.read")
    admin = signed_in(person(acme, "admin"))

    for role, expected in [("admin", 403), ("greeter", 403), ("reader", 201), ("viewer", 201)]:
        assert admin.send("POST", links(acme), {"role": role}).status_code == expected, role
    assert api.send("POST", links(acme), {"role": "admin"}).status_code == 201


def test_members_without_the_right_see_and_do_nothing(acme: Organization, user: User) -> None:
    link, _ = make(acme, user)
    client = signed_in(person(acme, "member"))

    for method, path, body in [
        ("GET", links(acme), None),
        ("GET", links(acme, link), None),
        ("POST", links(acme), {"role": "viewer"}),
        ("POST", f"{links(acme, link)}/rotate", None),
        ("DELETE", links(acme, link), None),
    ]:
        assert problem(client.send(method, path, body))["code"] == "forbidden", path


def test_a_link_of_another_tenant_is_not_there(
    api: ApiClient, acme: Organization, globex: Organization, stranger: User
) -> None:
    theirs, _ = make(globex, stranger)

    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")]:
        found = problem(api.send(method, links(acme, theirs) + path))
        assert found["code"] == "not_found"
    assert InvitationLink.objects.by_id(theirs.pk).revoked_at is None


def test_looking_needs_no_account_and_uses_nothing(acme: Organization, user: User) -> None:
    link, token = make(acme, user, role="viewer")

    shown = send(ApiClient(), "preview", token).json()  # INV 15

    assert shown.pop("expires_at") is not None
    assert shown == {
        "organization": {"id": str(acme.pk), "name": "Acme", "slug": "acme"},
        "inviter": {"full_name": "Uma User"},
        "role": "viewer",
        "message": "",
        "email": None,
        "account_exists": None,
    }
    assert uses(link) == 0


def test_joining_costs_one_use_however_often_it_is_sent(
    acme: Organization, user: User, ada: User
) -> None:
    link, token = make(acme, user, max_uses=1)
    client = signed_in(ada)

    answers = [send(client, "accept", token) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].json()["role"] == "member"
    assert (uses(link), role_of(acme, ada)) == (1, "member")
    late = problem(send(signed_in(make_user("b@example.com")), "accept", token))
    assert (late["status"], late["code"]) == (410, "invitation_used")


def test_who_belongs_costs_no_use_and_keeps_their_role(  # INV 22
    acme: Organization, user: User
) -> None:
    link, token = make(acme, user)
    viewer = person(acme, "viewer")

    answer = send(signed_in(viewer), "accept", token)

    assert (answer.status_code, answer.json()["role"]) == (200, "viewer")
    assert (uses(link), role_of(acme, viewer)) == (0, "viewer")


def test_an_address_has_to_be_proved_first(  # INV 14
    acme: Organization, user: User, settings: Settings
) -> None:
    link, token = make(acme, user)
    body = {"email": ADA, "password": PASSWORD, "full_name": "", "invitation_token": token}

    assert ApiClient().send("POST", "/api/v1/auth/register", body).status_code == 202

    ada = User.objects.by_email(ADA)
    assert ada is not None
    assert (ada.email_verified, uses(link)) == (False, 0)
    settings.REGISTRATION = "invited"
    other = {**body, "email": "b@example.com"}
    assert ApiClient().send("POST", "/api/v1/auth/register", other).status_code == 403
    assert User.objects.by_email("b@example.com") is None


@pytest.mark.parametrize("how", ["revoked", "rotated", "expired"])
def test_what_is_over_says_why(  # INV 22
    api: ApiClient, acme: Organization, user: User, ada: User, how: str
) -> None:
    link, token = make(acme, user)
    code = "invitation_revoked"
    if how == "revoked":
        for _ in range(2):
            assert api.send("DELETE", links(acme, link)).status_code == 204
    elif how == "rotated":
        assert api.send("POST", f"{links(acme, link)}/rotate").status_code == 200
    else:
        InvitationLink.objects.filter(pk=link.pk).update(expires_at=timezone.now())
        code = "invitation_expired"

    for what in ("preview", "accept", "decline"):
        refused = problem(send(signed_in(ada), what, token))
        assert (refused["status"], refused["code"]) == (410, code), what
    assert (uses(link), role_of(acme, ada)) == (0, None)
    assert api.read(links(acme, link))["status"] == ("open" if how == "rotated" else how)


def test_a_new_address_works_and_all_else_stays(
    api: ApiClient, acme: Organization, user: User, ada: User
) -> None:
    link, _ = make(acme, user)

    made = api.send("POST", f"{links(acme, link)}/rotate").json()

    assert (made["id"], made["uses"]) == (str(link.pk), 0)
    token = made["link"].rpartition("/")[2]
    assert send(signed_in(ada), "accept", token).status_code == 200
    assert uses(link) == 1


def test_what_is_over_gets_no_new_address(api: ApiClient, acme: Organization, user: User) -> None:
    link, _ = make(acme, user)
    api.send("DELETE", links(acme, link))

    refused = problem(api.send("POST", f"{links(acme, link)}/rotate"))

    assert (refused["code"], refused["detail"]) == (
        "conflict", "This link is revoked. Make a new one."
    )  # fmt: skip


def test_an_admin_gives_no_new_address_to_an_owners_link(acme: Organization, user: User) -> None:
    link, _ = make(acme, user, role="admin")
    admin = signed_in(person(acme, "admin"))

    assert problem(admin.send("POST", f"{links(acme, link)}/rotate"))["code"] == "forbidden"


def test_domains_are_tested_on_the_proved_address(  # INV 22, 23
    acme: Organization, user: User, ada: User
) -> None:
    _, token = make(acme, user, allowed_domains=["Lamps.example"])
    inside = make_user("lin@eu.lamps.example")

    assert problem(send(signed_in(ada), "accept", token))["code"] == "forbidden"
    assert send(signed_in(inside), "accept", token).status_code == 200
    policies.change(
        organization_id=acme.pk, actor_id=user.pk, allowed_domains=[],
        denied_domains=["lamps.example"], now=timezone.now(),
    )  # fmt: skip
    other = signed_in(make_user("max@lamps.example"))
    assert problem(send(other, "accept", token))["code"] == "forbidden"


@pytest.mark.parametrize("change", ["demoted", "suspended", "role raised"])
def test_a_maker_who_could_not_make_it_today_voids_it(  # INV 17
    acme: Organization, user: User, ada: User, change: str
) -> None:
    role, admin = custom_role(acme, "reader", "members.read"), person(acme, "admin")
    _, token = make(acme, admin, role="reader")
    place: dict[str, Any] = {"organization_id": acme.pk, "user_id": admin.pk, "actor_id": user.pk}
    if change == "demoted":
        members.change_role(**place, role="member", now=timezone.now())
    elif change == "suspended":
        members.suspend(**place, now=timezone.now())
    else:
        CustomRole.objects.change(role, permissions=["invitations.manage"])

    for what in ("preview", "accept"):
        refused = problem(send(signed_in(ada), what, token))
        assert (refused["status"], refused["code"]) == (410, "inviter_lost_permission")
    assert role_of(acme, ada) is None


def test_a_maker_who_left_voids_nothing(acme: Organization, ada: User) -> None:
    admin = person(acme, "admin")
    _, token = make(acme, admin)

    members.leave(organization_id=acme.pk, user_id=admin.pk, now=timezone.now())

    assert send(signed_in(ada), "accept", token).status_code == 200


def test_no_link_leads_back(acme: Organization, user: User, ada: User) -> None:
    link, token = make(acme, user)
    join(acme, ada, "member")
    now, place = timezone.now(), {"organization_id": acme.pk, "user_id": ada.pk}

    for out in (members.suspend, members.remove):
        out(**place, actor_id=user.pk, now=now)
        assert problem(send(signed_in(ada), "accept", token))["code"] == "forbidden"
    assert (uses(link), role_of(acme, ada)) == (0, None)


def test_a_role_that_was_deleted_is_a_conflict(  # INV 18
    api: ApiClient, acme: Organization, user: User, ada: User
) -> None:
    role = custom_role(acme, "reader", "members.read")
    link, token = make(acme, user, role="reader")
    CustomRole.objects.remove(role)

    assert problem(send(signed_in(ada), "accept", token))["status"] == 409
    shown = api.read(links(acme, link))
    assert (shown["role"], shown["role_exists"], shown["uses"]) == ("reader", False, 0)


def test_an_organization_that_stopped_takes_nobody(  # INV 19
    acme: Organization, user: User, ada: User
) -> None:
    _, token = make(acme, user)

    lifecycle.suspend(organization_id=acme.pk, reason="Not paid", now=timezone.now())

    assert problem(send(signed_in(ada), "accept", token))["code"] == "invitation_gone"


def test_declining_changes_nothing_and_blocks_nobody(acme: Organization, user: User) -> None:
    link, token = make(acme, user)

    assert send(ApiClient(), "decline", token).json() == {"status": "declined"}
    refused = problem(send(ApiClient(), "decline", token, block=True))

    assert refused["errors"][0]["pointer"] == "/block"
    assert send(ApiClient(), "preview", token).status_code == 200
    assert uses(link) == 0


def test_every_step_stands_in_the_audit_log(  # INV 29
    acme: Organization, user: User, ada: User, api: ApiClient
) -> None:
    link, token = make(acme, user)
    send(signed_in(ada), "accept", token)
    api.send("POST", f"{links(acme, link)}/rotate")
    api.send("DELETE", links(acme, link))

    here = AuditEntry.objects.filter(target_id=str(link.pk)).order_by("created_at", "id")
    assert [(entry.action, entry.actor_id) for entry in here] == [
        ("invitation_link.created", user.pk),
        ("invitation_link.used", ada.pk),
        ("invitation_link.rotated", user.pk),
        ("invitation_link.revoked", user.pk),
    ]
    assert all(token not in str(entry.after) for entry in here)


def test_a_list_costs_the_same_for_one_row_and_twenty(
    api: ApiClient, acme: Organization, user: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        make(acme, user)

    with django_assert_max_num_queries(7):
        assert len(api.read(links(acme))["items"]) == 20


def path(token: str) -> str:
    return f"/invitations/{token}"


def says(response: Any, state: str) -> bool:
    return page_words.STATES[state].title in response.content.decode()


def test_on_the_page_an_account_joins_with_its_password(
    acme: Organization, user: User, ada: User
) -> None:
    _, token = make(acme, user)
    browser, body = Client(), {"answer": "join", "email": " ADA@example.com "}

    shown = browser.get(path(token))
    wrong = browser.post(path(token), {**body, "password": "not my password at all"})
    nobody = browser.post(path(token), {**body, "email": "x@example.com", "password": PASSWORD})
    right = browser.post(path(token), {**body, "password": PASSWORD})

    page = shown.content.decode()
    assert (shown.status_code, shown["Referrer-Policy"]) == (200, "no-referrer")
    assert "Uma User invites you." in page
    assert "Open an account first" in page
    assert "Don't invite me again" not in page
    assert (wrong.status_code, nobody.status_code) == (400, 400)
    for refused in (wrong, nobody):
        assert "Address and password do not belong together." in refused.content.decode()
    assert says(right, "joined")
    assert role_of(acme, ada) == "member"
    assert "sessionid" not in browser.cookies


def test_on_the_page_a_new_person_proves_the_address_and_then_joins(  # INV 14
    acme: Organization, user: User
) -> None:
    link, token = make(acme, user)
    typed = {"email": ADA, "password": PASSWORD}
    browser = Client()

    opened = browser.post(path(token), {"answer": "register", **typed})
    early = browser.post(path(token), {"answer": "join", **typed})

    assert says(opened, "link_registered")
    assert early.status_code in {400, 409}
    ada = User.objects.by_email(ADA)
    assert ada is not None
    assert (role_of(acme, ada), uses(link)) == (None, 0)
    work_off()
    assert mail.outbox[-1].to == [ADA]
    proof = newest_token(ada)
    ApiClient().send("POST", "/api/v1/auth/verify-email", {"token": proof})
    joined = browser.post(path(token), {"answer": "join", **typed})
    assert says(joined, "joined")
    assert (role_of(acme, ada), uses(link)) == ("member", 1)


def test_guessing_on_the_page_is_throttled_like_signing_in(acme: Organization, user: User) -> None:
    _, token = make(acme, user)
    browser = Client()

    answers = [
        browser.post(
            path(token), {"answer": "join", "email": f"{n}@example.com", "password": "a guess" * 3}
        )
        for n in range(11)
    ]

    assert [answer.status_code for answer in answers] == [400] * 10 + [429]


def test_where_registering_is_closed_the_page_offers_none(
    acme: Organization, user: User, settings: Settings
) -> None:
    settings.REGISTRATION = "invited"
    _, token = make(acme, user)
    browser, typed = Client(), {"answer": "register", "email": ADA, "password": PASSWORD}

    assert "Open an account first" not in browser.get(path(token)).content.decode()
    assert browser.post(path(token), typed).status_code == 409
    assert not User.objects.filter(email=ADA).exists()
    assert not Membership.objects.for_organization(acme.pk).filter(role="member").exists()


def test_a_revoked_link_has_a_page_that_says_so(
    acme: Organization, user: User, api: ApiClient
) -> None:
    link, token = make(acme, user)
    api.send("DELETE", links(acme, link))

    page = Client().get(path(token))

    assert page.status_code == 410
    assert says(page, "invitation_revoked")
