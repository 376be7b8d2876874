"""What members do with invitations: send, see, change, send again, take back."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from core import ratelimits
from invitations.models import LIFETIME, Invitation
from invitations.services import sending
from organizations.models import Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.invitations.invited import ADA, address, everything, expire, fresh, invite, secret
from tests.tenants import custom_role, person, signed_in


def body(email: str = ADA, role: str = "member", **more: str) -> dict[str, str]:
    return {"email": email, "role": role, **more}


def test_inviting_answers_with_the_invitation(
    api: ApiClient, acme: Organization, user: User
) -> None:
    answer = api.send("POST", address(acme), body("Ada@Example.com", message=" Do come. "))

    assert answer.status_code == 201
    made = answer.json()
    created = Invitation.objects.get()
    assert made.keys() == {
        "id", "email", "role", "role_exists", "status", "message", "invited_by", "by_operator",
        "expires_at", "created_at", "sent_count", "last_sent_at", "delivery", "link",
    }  # fmt: skip
    assert made["invited_by"] == {"id": str(user.pk), "full_name": "Uma User"}
    assert (made["email"], made["role"], made["message"]) == (
        "Ada@example.com",
        "member",
        "Do come.",
    )
    assert (made["status"], made["delivery"], made["sent_count"]) == ("pending", "queued", 1)
    assert (made["last_sent_at"], made["link"]) == (None, None)
    assert created.expires_at - created.created_at == LIFETIME == timedelta(days=7)


def test_members_without_the_right_see_and_do_nothing(acme: Organization, user: User) -> None:
    invitation = invite(acme, user)
    calls = [
        ("GET", address(acme), None),
        ("GET", address(acme, invitation), None),
        ("POST", address(acme), body("b@example.com")),
        ("POST", f"{address(acme)}/bulk", {"invitations": [body("b@example.com")]}),
        ("PATCH", address(acme, invitation), {"role": "viewer"}),
        ("DELETE", address(acme, invitation), None),
        ("POST", f"{address(acme, invitation)}/resend", None),
    ]
    before = None
    for role in ("viewer", "member"):
        client = signed_in(person(acme, role))
        before = everything()
        for method, path, sent in calls:
            assert problem(client.send(method, path, sent))["code"] == "forbidden", (role, path)
    assert everything() == before


def test_a_stranger_finds_nothing(acme: Organization, user: User, stranger: User) -> None:
    invitation = invite(acme, user)
    client = signed_in(stranger)

    assert problem(client.send("GET", address(acme)))["status"] == 404
    assert problem(client.send("POST", address(acme), body("x@example.com")))["status"] == 404
    assert problem(client.send("DELETE", address(acme, invitation)))["status"] == 404


def test_an_invitation_of_another_tenant_is_not_there(
    api: ApiClient, acme: Organization, globex: Organization, stranger: User
) -> None:
    theirs = invite(globex, stranger)

    for method, path in (
        ("GET", address(acme, theirs)),
        ("DELETE", address(acme, theirs)),
        ("POST", f"{address(acme, theirs)}/resend"),
    ):
        assert problem(api.send(method, path))["code"] == "not_found"
    assert fresh(theirs).is_open


def test_nobody_offers_a_role_with_rights_they_lack(acme: Organization) -> None:
    custom_role(acme, "deleter", "organization.delete")
    admin = signed_in(person(acme, "admin"))

    for role in ("owner", "deleter"):
        assert problem(admin.send("POST", address(acme), body(role=role)))["code"] == "forbidden"
    assert admin.send("POST", address(acme), body(role="admin")).status_code == 201


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        (body("no address"), "/email", "invalid"),
        (body(role="king"), "/role", "invalid"),
        (body(message="x" * 501), "/message", "too_long"),
        (body(colour="red"), "/colour", "unknown_field"),
        ({"email": ADA}, "/role", "required"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    api: ApiClient, acme: Organization, sent: dict[str, str], pointer: str, code: str
) -> None:
    refused = problem(api.send("POST", address(acme), sent))

    assert refused["status"] == 400
    assert [(e["pointer"], e["code"]) for e in refused["errors"]] == [(pointer, code)]
    assert not Invitation.objects.exists()


# INV 7, 8
@pytest.mark.parametrize("again", [ADA, "ADA@Example.COM", "  ada@example.com "])
def test_an_address_is_invited_once(
    api: ApiClient, acme: Organization, user: User, again: str
) -> None:
    first = invite(acme, user)
    before = everything()

    refused = problem(api.send("POST", address(acme), body(again)))

    assert refused["code"] == "already_invited"
    assert refused["invitation_id"] == str(first.pk)
    assert everything() == before


@pytest.mark.parametrize("spelled", ["member@example.com", " Member@EXAMPLE.com"])
def test_a_member_is_not_invited(  # INV 8, 9
    api: ApiClient, acme: Organization, spelled: str
) -> None:
    person(acme, "member")

    refused = problem(api.send("POST", address(acme), body(spelled, role="admin")))

    assert refused["code"] == "already_member"
    assert not Invitation.objects.exists()


def test_a_former_member_is_invited_by_those_who_may_restore(  # INV 10
    acme: Organization, user: User
) -> None:
    custom_role(acme, "greeter", "invitations.manage", "invitations.read", "members.read",
                "members.read_email")  # fmt: skip
    greeter, gone = person(acme, "greeter"), person(acme, "viewer")
    members.remove(organization_id=acme.pk, actor_id=user.pk, user_id=gone.pk, now=timezone.now())

    refused = signed_in(greeter).send("POST", address(acme), body(gone.email, "viewer"))
    invited = signed_in(user).send("POST", address(acme), body(gone.email, "viewer"))

    assert problem(refused)["code"] == "forbidden"
    assert invited.status_code == 201


def test_an_admin_can_not_take_a_suspended_owner_down(acme: Organization, user: User) -> None:
    admin, owner = person(acme, "admin"), person(acme, "owner")
    members.suspend(organization_id=acme.pk, actor_id=user.pk, user_id=owner.pk, now=timezone.now())

    refused = signed_in(admin).send("POST", address(acme), body(owner.email, "viewer"))

    assert problem(refused)["code"] == "forbidden"


def test_an_expired_one_shows_so_and_gives_way_at_once(  # INV 5, 32
    api: ApiClient, acme: Organization, user: User
) -> None:
    old = invite(acme, user)
    expire(old)
    assert api.read(address(acme, old))["status"] == "expired"

    again = api.send("POST", address(acme), body())

    assert again.status_code == 201
    assert [row["status"] for row in api.read(address(acme))["items"]] == ["pending", "revoked"]


def test_the_list_is_filtered_by_status_and_searched_by_address(
    api: ApiClient, acme: Organization, user: User
) -> None:
    pending, expired, revoked = (invite(acme, user, f"{n}@example.com") for n in "per")
    expire(expired)
    sending.revoke(
        organization_id=acme.pk, actor_id=user.pk, invitation_id=revoked.pk, now=timezone.now()
    )

    def found(query: str) -> list[str]:
        return [row["id"] for row in api.read(f"{address(acme)}?{query}")["items"]]

    assert found("status=pending") == [str(pending.pk)]
    assert found("status=expired") == [str(expired.pk)]
    assert found("status=revoked") == [str(revoked.pk)]
    assert found("status=accepted") == found("status=declined") == []
    assert found("status__in=pending,revoked") == [str(revoked.pk), str(pending.pk)]
    assert found("search=P@EXAMPLE") == [str(pending.pk)]
    assert problem(api.send("GET", f"{address(acme)}?status=open"))["status"] == 400
    assert problem(api.send("GET", f"{address(acme)}?status__in=pending,x"))["status"] == 400


def test_the_list_is_walked_by_cursor_and_costs_the_same_for_twenty(
    api: ApiClient, acme: Organization, user: User, django_assert_max_num_queries: object
) -> None:
    made = [invite(acme, user, f"{n}@example.com") for n in range(21)]
    seen: list[str] = []
    cursor: str | None = ""

    with django_assert_max_num_queries(7):  # type: ignore[operator]
        api.read(f"{address(acme)}?cursor=&page_size=20")
    while cursor is not None:
        page = api.read(f"{address(acme)}?cursor={cursor}&page_size=8")
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]

    assert seen == [str(row.pk) for row in reversed(made)]


def test_the_role_of_a_pending_one_is_changed_explicitly(  # INV 7
    api: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)

    changed = api.send("PATCH", address(acme, invitation), {"role": "viewer", "message": "Hi"})

    assert changed.status_code == 200
    assert (changed.json()["role"], changed.json()["message"]) == ("viewer", "Hi")
    assert fresh(invitation).sent_count == 1


def test_who_changes_the_role_needs_its_rights(acme: Organization, user: User) -> None:
    invitation = invite(acme, user)
    admin = signed_in(person(acme, "admin"))

    refused = admin.send("PATCH", address(acme, invitation), {"role": "owner"})

    assert problem(refused)["code"] == "forbidden"
    assert fresh(invitation).role == "member"


def test_revoking_twice_is_fine_and_an_accepted_one_stays(  # INV 26
    api: ApiClient, acme: Organization, user: User
) -> None:
    invitation, accepted = invite(acme, user), invite(acme, user, "b@example.com")
    Invitation.objects.filter(pk=accepted.pk).update(accepted_at=timezone.now())

    assert [api.send("DELETE", address(acme, invitation)).status_code for _ in "ab"] == [204, 204]
    assert problem(api.send("DELETE", address(acme, accepted)))["code"] == "conflict"
    assert api.read(address(acme, invitation))["status"] == "revoked"
    assert api.read(address(acme, accepted))["status"] == "accepted"


def test_resending_makes_a_new_link_and_kills_the_old(  # INV 6
    api: ApiClient, anonymous: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)
    expire(invitation)
    old = secret(invitation)

    answer = api.send("POST", f"{address(acme, invitation)}/resend")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["sent_count"], told["status"], told["delivery"]) == (2, "pending", "queued")
    refused = anonymous.send("POST", "/api/v1/invitations/preview", {"token": old})
    assert problem(refused)["code"] == "invitation_revoked"
    shown = anonymous.send("POST", "/api/v1/invitations/preview", {"token": secret(invitation)})
    assert shown.status_code == 200


def test_resending_is_limited_by_the_minute_and_the_day(  # INV 6
    api: ApiClient, acme: Organization, user: User, settings: Settings
) -> None:
    invitation = invite(acme, user)
    path = f"{address(acme, invitation)}/resend"
    assert api.send("POST", path).status_code == 200

    refused = api.send("POST", path)

    assert problem(refused)["code"] == "rate_limited"
    assert 0 < int(refused["Retry-After"]) <= 60
    settings.RATE_LIMITS = {"invitation_resends_per_day": "5/86400"}
    assert [api.send("POST", path).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    assert fresh(invitation).sent_count == 6


@pytest.mark.parametrize("end", ["accepted", "declined", "revoked"])
def test_what_is_over_is_neither_sent_nor_changed(  # INV 6
    api: ApiClient, acme: Organization, user: User, end: str
) -> None:
    invitation = invite(acme, user)
    Invitation.objects.filter(pk=invitation.pk).update(**{f"{end}_at": timezone.now()})

    for answer in (
        api.send("POST", f"{address(acme, invitation)}/resend"),
        api.send("PATCH", address(acme, invitation), {"role": "viewer"}),
    ):
        assert problem(answer)["code"] == "conflict"
    assert fresh(invitation).sent_count == 1


def test_mail_that_came_back_is_not_sent_again(  # INV 21
    api: ApiClient, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)
    assert sending.mark_bounced(email="ADA@example.com", now=timezone.now()) == 1

    refused = api.send("POST", f"{address(acme, invitation)}/resend")

    assert problem(refused)["code"] == "conflict"
    assert api.read(address(acme, invitation))["delivery"] == "bounced"


def test_a_suspended_organization_invites_nobody(
    api: ApiClient, acme: Organization, user: User
) -> None:
    lifecycle.suspend(organization_id=acme.pk, reason="Not paid", now=timezone.now())

    refused = api.send("POST", address(acme), body())

    assert problem(refused)["code"] == "organization_suspended"


@pytest.mark.parametrize("links_in_api", [False, True])
def test_the_link_is_told_only_where_no_mail_is_sent(  # INV 1
    api: ApiClient, acme: Organization, settings: Settings, links_in_api: bool
) -> None:
    settings.INVITATION_LINKS_IN_API = links_in_api

    made = api.send("POST", address(acme), body())

    link = f"{settings.PUBLIC_URL}/invitations/{secret(Invitation.objects.get())}"
    assert made.json()["link"] == (link if links_in_api else None)
    assert secret(Invitation.objects.get()) not in str(api.read(address(acme)))


def test_limits_of_organization_inviter_and_mailbox(  # INV 24
    acme: Organization, globex: Organization, user: User, stranger: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"invitations_per_recipient": "1/86400"}
    invite(acme, user)

    with pytest.raises(ratelimits.LimitReachedError):
        invite(globex, stranger)
    assert Invitation.objects.count() == 1

    settings.RATE_LIMITS = {"invitations_per_inviter": "1/86400", "invitations": "1/3600"}
    invite(acme, user, "b@example.com")
    with pytest.raises(ratelimits.LimitReachedError):
        invite(acme, user, "c@example.com")
    with pytest.raises(ratelimits.LimitReachedError):
        invite(acme, person(acme, "admin"), "d@example.com")
    assert Invitation.objects.count() == 2


def age(organization: Organization, lived: timedelta) -> None:
    """Let the organization have been there so long."""
    born = timezone.now() - lived
    Organization.objects.filter(pk=organization.pk).update(created_at=born)


@pytest.mark.parametrize("known", [False, True])
def test_a_new_organization_sends_fewer(  # INV 24
    api: ApiClient, acme: Organization, user: User, settings: Settings, known: bool
) -> None:
    settings.RATE_LIMITS = {"invitations_of_new_organization": "2/86400", "invitations": "9/3600"}
    age(acme, timedelta(days=6, hours=23))
    first = invite(acme, user)
    admin = signed_in(person(acme, "admin"))
    assert admin.send("POST", address(acme), body("b@example.com")).status_code == 201
    asked = make_user("c@example.com").email if known else "c@example.com"

    refused = problem(api.send("POST", address(acme), body(asked)))
    again = api.send("POST", f"{address(acme, first)}/resend")

    assert (refused["status"], refused["code"]) == (429, "rate_limited")
    assert asked not in str(refused)
    assert 86_300 < int(again["Retry-After"]) <= 86_400
    assert (Invitation.objects.count(), fresh(first).sent_count) == (2, 1)


def test_an_organization_of_a_week_is_new_no_more(  # INV 24
    acme: Organization, globex: Organization, user: User, stranger: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"invitations_of_new_organization": "1/86400"}
    invite(acme, user)
    invite(globex, stranger, "b@example.com")  # each has its own
    with pytest.raises(ratelimits.LimitReachedError):
        invite(acme, user, "c@example.com")

    age(acme, timedelta(days=7))

    for name in "cde":
        invite(acme, user, f"{name}@example.com")
    assert Invitation.objects.for_organization(acme.pk).count() == 4
