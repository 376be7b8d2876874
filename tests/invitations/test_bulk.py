"""Many invitations in one request: each judged by itself, all counted together."""

from typing import Any

import pytest
from django.core import mail
from pytest_django.fixtures import Settings

from accounts.models import User
from core.jobs.runner import work_off
from invitations.models import Invitation
from organizations.models import Organization
from tests.client import ApiClient, problem
from tests.invitations.invited import address, invite
from tests.tenants import person, signed_in


def rows(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"email": f"p{n}@example.com", "role": "member"} for n in range(start, start + count)]


def bulk(client: ApiClient, organization: Organization, given: Any, **more: Any) -> Any:
    headers = {name: more.pop(name) for name in list(more) if name == "Idempotency_Key"}
    body = {"invitations": given, **more}
    return client.send("POST", f"{address(organization)}/bulk", body, **headers)


def told(answer: Any) -> list[tuple[int, str]]:
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert [row["index"] for row in results] == list(range(len(results)))
    return [(row["status"], row.get("problem", {}).get("code", "")) for row in results]


MIXED: list[Any] = [
    {"email": "p0@example.com", "role": "member", "message": "Hi"},
    {"email": "no address", "role": "member"},
    {"email": "member@example.com", "role": "viewer"},
    {"email": "P0@example.com ", "role": "viewer"},
    {"email": "invited@example.com", "role": "member"},
    "not an object",
    {"email": "p1@example.com", "role": "king"},
    {"email": "p1@example.com", "role": "owner"},
    {"email": "p1@example.com", "role": "member", "colour": "red"},
    {"email": "p2@example.com", "role": "viewer"},
]
VERDICTS = [
    (201, ""),
    (400, "validation_error"),
    (409, "already_member"),
    (409, "already_invited"),
    (409, "already_invited"),
    (400, "validation_error"),
    (400, "validation_error"),
    (403, "forbidden"),
    (400, "validation_error"),
    (201, ""),
]


@pytest.fixture
def admin(acme: Organization) -> ApiClient:
    person(acme, "member")
    return signed_in(person(acme, "admin"))


def test_each_row_has_its_result_in_its_place(  # INV 20
    admin: ApiClient, acme: Organization, user: User
) -> None:
    pending = invite(acme, user, "invited@example.com")
    work_off()
    mail.outbox.clear()

    answer = bulk(admin, acme, MIXED)

    assert told(answer) == VERDICTS
    results = answer.json()["results"]
    assert results[0]["invitation"]["message"] == "Hi"
    assert results[1]["problem"]["errors"][0]["pointer"] == "/email"
    assert results[4]["problem"]["invitation_id"] == str(pending.pk)
    work_off()
    assert sorted(message.to[0] for message in mail.outbox) == ["p0@example.com", "p2@example.com"]


def test_all_or_nothing_sends_none_and_costs_nothing(  # INV 20
    admin: ApiClient, acme: Organization, user: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"invitations": "4/3600"}
    invite(acme, user, "invited@example.com")

    answer = bulk(admin, acme, MIXED, all_or_nothing=True)

    assert told(answer) == [v if v[1] else (409, "conflict") for v in VERDICTS]
    assert Invitation.objects.count() == 1
    assert told(bulk(admin, acme, rows(3), all_or_nothing=True)) == [(201, "")] * 3


def test_a_hundred_are_the_most(api: ApiClient, acme: Organization) -> None:
    assert problem(bulk(api, acme, rows(101)))["errors"][0]["pointer"] == "/invitations"
    assert problem(bulk(api, acme, []))["status"] == 400
    assert problem(bulk(api, acme, "x"))["status"] == 400
    assert not Invitation.objects.exists()

    assert told(bulk(api, acme, rows(100))) == [(201, "")] * 100


def test_over_the_quota_none_is_sent(  # INV 20
    api: ApiClient, acme: Organization, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"invitations": "10/3600", "invitations_per_inviter": "12/3600"}
    assert told(bulk(api, acme, rows(8))) == [(201, "")] * 8

    refused = bulk(api, acme, rows(3, start=8))

    assert problem(refused)["code"] == "rate_limited"
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert Invitation.objects.count() == 8
    # Neither of the two limits lost anything to the refusal.
    assert told(bulk(api, acme, rows(2, start=8))) == [(201, "")] * 2


def test_a_list_that_is_too_long_for_a_new_organization_sends_none(  # INV 20, 24
    api: ApiClient, acme: Organization, settings: Settings
) -> None:
    settings.RATE_LIMITS = {
        "invitations": "10/3600", "invitations_of_new_organization": "4/86400",
        "invitations_per_inviter": "5/3600",
    }  # fmt: skip

    refused = bulk(api, acme, rows(5))

    assert problem(refused)["code"] == "rate_limited"
    assert Invitation.objects.count() == 0
    # The inviter's limit, which had room for all, lost nothing to the refusal.
    assert told(bulk(api, acme, rows(4))) == [(201, "")] * 4


def test_what_is_not_sent_costs_nothing(
    api: ApiClient, acme: Organization, user: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"invitations": "2/3600"}
    invite(acme, user, "p0@example.com")

    assert told(bulk(api, acme, rows(2))) == [(409, "already_invited"), (201, "")]


def test_a_mailbox_that_gets_too_many_is_refused_alone(  # INV 24
    api: ApiClient, acme: Organization, globex: Organization, stranger: User, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"invitations_per_recipient": "1/86400"}
    invite(globex, stranger, "p1@example.com")

    assert told(bulk(api, acme, rows(3))) == [(201, ""), (429, "rate_limited"), (201, "")]


def test_a_retry_with_the_same_key_sends_no_second_mail(  # INV 20
    api: ApiClient, acme: Organization
) -> None:
    work_off()
    mail.outbox.clear()

    first, again = (bulk(api, acme, rows(3), Idempotency_Key="the-same-key") for _ in "ab")

    assert first.content == again.content
    assert again["Idempotent-Replayed"] == "true"
    work_off()
    assert len(mail.outbox) == 3
