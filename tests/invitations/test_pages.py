"""The page behind the link, as a person without JavaScript uses it."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.models import User
from invitations import page_words
from invitations.models import InvitationBlock
from invitations.services import policies, sending
from organizations.models import Organization
from organizations.services import lifecycle, members
from tests.conftest import PASSWORD, make_user
from tests.invitations.invited import (
    ADA,
    everything,
    expire,
    fresh,
    invite,
    role_of,
    secret,
)
from tests.tenants import person


@pytest.fixture
def browser(db: None) -> Client:
    return Client()


def path(token: str) -> str:
    return f"/invitations/{token}"


def join(browser: Client, token: str, **typed: str) -> Any:
    return browser.post(path(token), {"answer": "join", **typed})


def says(response: Any, state: str) -> bool:
    words, page = page_words.STATES[state], response.content.decode()
    return all(escape(text) in page for text in (words.title, words.text, words.badge))


def test_looking_shows_the_offer_and_spends_nothing(  # INV 15
    browser: Client, acme: Organization, user: User
) -> None:
    token = secret(invite(acme, user, role="viewer", message="Do <i>come</i>."))
    before = everything()

    for method in (browser.get, browser.head, browser.get):
        response = method(path(token))

    assert everything() == before
    page = response.content.decode()
    for text in ("Join Acme", "Uma User", "viewer", "a…@example.com", "Do &lt;i&gt;come"):
        assert text in page
    assert ADA not in page
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert "<script" not in page


def test_a_new_person_registers_and_joins_in_one_step(  # INV 13
    browser: Client, acme: Organization, user: User
) -> None:
    invitation = invite(acme, user)

    response = join(browser, secret(invitation), full_name="Ada", password=PASSWORD)

    assert response.status_code == 200
    assert says(response, "joined")
    ada = User.objects.by_email(ADA)
    assert ada is not None
    assert (ada.full_name, ada.email_verified, role_of(acme, ada)) == ("Ada", True, "member")
    assert "sessionid" not in browser.cookies


def test_a_weak_password_is_asked_for_again(
    browser: Client, acme: Organization, user: User
) -> None:
    token = secret(invite(acme, user))
    before = everything()

    response = join(browser, token, full_name='Ada "L"', password="short")

    page = response.content.decode()
    assert response.status_code == 400
    assert "Use at least 12 characters" in page
    assert 'value="Ada &quot;L&quot;"' in page  # nobody types it twice
    assert "short" not in page
    assert everything() == before


def test_who_has_an_account_joins_with_its_password(
    browser: Client, acme: Organization, user: User
) -> None:
    ada, token = make_user(ADA), secret(invite(acme, user))

    wrong = join(browser, token, password="not my password at all")
    right = join(browser, token, password=PASSWORD)

    assert wrong.status_code == 400
    assert "not the password of the account" in wrong.content.decode()
    assert says(right, "joined")
    assert role_of(acme, ada) == "member"


def test_guessing_the_password_is_throttled(
    browser: Client, acme: Organization, user: User
) -> None:
    ada, token = make_user(ADA), secret(invite(acme, user))

    answers = [join(browser, token, password=f"a wrong guess {n}") for n in range(6)]
    right = join(browser, token, password=PASSWORD)

    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert right.status_code == 429
    assert int(right["Retry-After"]) > 0
    assert role_of(acme, ada) is None


def test_guessing_links_is_throttled(browser: Client) -> None:  # INV 2
    codes = [browser.get(path(f"{number:043}")).status_code for number in range(125)]

    assert codes[:120] == [410] * 120
    assert set(codes[120:]) == {429}


@pytest.mark.parametrize("block", [False, True])
def test_declining(  # INV 24, 25
    browser: Client, acme: Organization, user: User, block: bool
) -> None:
    invitation = invite(acme, user)
    typed = {"answer": "decline"} | ({"block": "on"} if block else {})

    response = browser.post(path(secret(invitation)), typed)

    assert says(response, "declined")
    assert fresh(invitation).declined_at is not None
    assert InvitationBlock.objects.exists() is block


def _expired(acme: Organization, user: User) -> str:
    invitation = invite(acme, user)
    expire(invitation)
    return secret(invitation)


def _revoked(acme: Organization, user: User) -> str:
    invitation = invite(acme, user)
    sending.revoke(
        organization_id=acme.pk, actor_id=user.pk, invitation_id=invitation.pk, now=timezone.now()
    )
    return secret(invitation)


def _used(acme: Organization, user: User) -> str:
    invitation = invite(acme, user)
    join(Client(), secret(invitation), full_name="", password=PASSWORD)
    return secret(invitation)


def _unknown(acme: Organization, user: User) -> str:
    return "x" * 43


def _lost(acme: Organization, user: User) -> str:
    admin = person(acme, "admin")
    invitation = invite(acme, admin)
    members.suspend(organization_id=acme.pk, actor_id=user.pk, user_id=admin.pk, now=timezone.now())
    return secret(invitation)


def _closed_organization(acme: Organization, user: User) -> str:
    invitation = invite(acme, user)
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=timezone.now())
    return secret(invitation)


@pytest.mark.parametrize(
    ("make", "state"),
    [
        (_expired, "invitation_expired"),
        (_revoked, "invitation_revoked"),
        (_used, "invitation_used"),
        (_unknown, "invitation_gone"),
        (_lost, "inviter_lost_permission"),
        (_closed_organization, "invitation_gone"),
    ],
)
def test_what_is_over_says_why(
    browser: Client, acme: Organization, user: User, make: Any, state: str
) -> None:
    token = make(acme, user)

    for response in (browser.get(path(token)), join(browser, token, password=PASSWORD)):
        assert response.status_code == 410
        assert says(response, state)
        assert "<form" not in response.content.decode()


def test_a_person_whose_domain_is_not_admitted_is_told(
    browser: Client, acme: Organization, user: User
) -> None:
    ada, token = make_user(ADA), secret(invite(acme, user))
    policies.change(
        organization_id=acme.pk, actor_id=user.pk, allowed_domains=["example.org"],
        denied_domains=[], now=timezone.now(),
    )  # fmt: skip

    response = join(browser, token, password=PASSWORD)

    assert response.status_code == 409
    assert "takes nobody with an address of this domain" in response.content.decode()
    assert role_of(acme, ada) is None


def test_another_site_can_not_answer_for_somebody(acme: Organization, user: User) -> None:
    invitation = invite(acme, user)
    browser = Client(enforce_csrf_checks=True)

    response = browser.post(path(secret(invitation)), {"answer": "decline"})

    assert response.status_code == 403
    assert fresh(invitation).is_open


def test_the_link_stays_out_of_the_log(  # INV 1
    browser: Client, acme: Organization, user: User, caplog: Any, capfd: Any
) -> None:
    token = secret(invite(acme, user))

    browser.get(path(token))
    join(browser, token, full_name="Ada", password=PASSWORD)

    written = capfd.readouterr()
    logged = written.out + written.err + caplog.text
    assert "/invitations/[redacted]" in logged
    assert token not in logged
