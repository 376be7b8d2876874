"""Somebody registers an address that is not theirs, and waits for its owner to prove it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import passwords
from accounts.models import User, UserSession
from accounts.services import registration, sessions
from core import tokens
from core.models import MailedToken
from tests.client import ApiClient, problem
from tests.mails import mailed_token, newest_token

EMAIL = "victim@example.com"
THEIRS = "what the attacker knows"
MINE = "what the owner knows"
VERIFY = "/api/v1/auth/verify-email"


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


def register(password: str, now: datetime, full_name: str = "") -> User:
    registration.register(email=EMAIL, password=password, full_name=full_name, now=now)
    return account()


def account() -> User:
    user = User.objects.by_email(EMAIL)
    assert user is not None
    return user


def links() -> list[MailedToken]:
    """Return the links of the account, the oldest first."""
    return list(MailedToken.objects.of("verify_email", account().pk).order_by("id"))


def prove(token: str, now: datetime) -> User:
    return registration.verify_email(token=token, now=now)


def test_registering_again_leaves_the_account_as_it_is(now: datetime) -> None:  # ACC 2
    register(MINE, now, "Mine")
    before = User.objects.values().get()

    register(THEIRS, now, "Theirs")

    assert User.objects.values().get() == before


@pytest.mark.parametrize("order", [(THEIRS, MINE), (MINE, THEIRS)])
def test_each_link_carries_the_choice_of_its_own_registration(
    now: datetime, order: tuple[str, str]
) -> None:  # ACC 2
    for password in order:
        user = register(password, now, full_name=password)
    mine = links()[order.index(MINE)]

    prove(mailed_token(user, mine), now)

    user.refresh_from_db()
    assert passwords.matches(user, MINE)
    assert not passwords.matches(user, THEIRS)
    assert user.full_name == MINE
    assert [link.superseded_at for link in links() if link != mine] == [now]


@pytest.mark.parametrize("order", [(THEIRS, MINE), (MINE, THEIRS), (THEIRS, MINE, THEIRS)])
def test_a_link_asked_for_anew_carries_no_choice_when_several_are_open(
    now: datetime, order: tuple[str, ...]
) -> None:  # ACC 2
    for password in order:
        user = register(password, now, full_name=password)

    registration.resend_verification(email=EMAIL, now=now)
    prove(newest_token(user), now)

    user.refresh_from_db()
    assert user.email_verified
    assert not user.has_usable_password()
    assert user.full_name == ""


def test_the_page_says_that_a_password_has_to_be_chosen(
    anonymous: ApiClient, now: datetime
) -> None:
    for password in (THEIRS, MINE):
        user = register(password, now)
    registration.resend_verification(email=EMAIL, now=now)

    page = anonymous.post(f"/verify-email/{newest_token(user)}").content.decode()

    assert "Your address is confirmed" in page
    assert 'href="/forgot-password"' in page


def test_links_that_expired_still_make_it_uncertain_who_chose(now: datetime) -> None:  # ACC 2
    register(THEIRS, now - timedelta(days=3))
    user = register(MINE, now)

    registration.resend_verification(email=EMAIL, now=now)
    prove(newest_token(user), now)

    user.refresh_from_db()
    assert not user.has_usable_password()


def test_a_link_asked_for_anew_carries_the_choice_of_the_only_one(now: datetime) -> None:
    user = register(MINE, now - timedelta(days=3), full_name="Mine")

    for _ in range(2):
        registration.resend_verification(email=EMAIL, now=now)
    prove(newest_token(user), now)

    user.refresh_from_db()
    assert passwords.matches(user, MINE)
    assert user.full_name == "Mine"


def test_what_the_row_once_held_is_no_choice(now: datetime) -> None:
    register(THEIRS, now)
    MailedToken.objects.all().delete()  # as pruning does, a month after it expired

    registration.resend_verification(email=EMAIL, now=now)
    prove(newest_token(account()), now)

    assert not account().has_usable_password()


def test_a_registration_without_a_mail_takes_the_choice_out_of_every_link(now: datetime) -> None:
    limit = int(settings.RATE_LIMITS["verification_mails"].partition("/")[0])
    for _ in range(limit):
        user = register(THEIRS, now)

    register(MINE, now)  # gets no mail: all that its person finds are links of the other one

    assert len(links()) == limit
    prove(mailed_token(user, links()[3]), now)
    user.refresh_from_db()
    assert not user.has_usable_password()


def test_the_proof_ends_every_session(now: datetime) -> None:  # ACC 2
    user = register(THEIRS, now)
    early = sessions.start_session(user=user, device="", ip_address="192.0.2.1", now=now)
    client = ApiClient()
    client.read("/api/v1/users/me", Authorization=f"Bearer {early.access}")

    client.send("POST", VERIFY, {"token": newest_token(user)})

    refused = client.send("GET", "/api/v1/users/me", Authorization=f"Bearer {early.access}")
    assert problem(refused)["code"] == "session_revoked"
    assert UserSession.objects.get().end_reason == "address proved"


def test_what_a_link_carried_is_gone_with_it(now: datetime) -> None:
    user = register(THEIRS, now)
    registration.resend_verification(email=EMAIL, now=now)
    register(MINE, now)
    superseded, resent, mine = links()
    carried = [bool(link.data) for link in (superseded, resent, mine)]

    prove(mailed_token(user, mine), now)

    assert carried == [False, True, True]
    assert [link.data for link in links()] == [{}, {}, {}]


def test_the_database_refuses_a_link_that_is_over_and_carries_something(now: datetime) -> None:
    token = tokens.issue(
        purpose="test", subject_id=register(MINE, now).pk, binding="", lifetime=timedelta(1),
        now=now, data={"password": "a hash"},
    )  # fmt: skip

    for moment in ("used_at", "superseded_at"):
        with pytest.raises(IntegrityError), transaction.atomic():
            MailedToken.objects.filter(pk=token.pk).update(**{moment: now})


@pytest.mark.django_db(transaction=True)
def test_two_links_opened_at_once_prove_the_address_once() -> None:  # ACC 2
    for password in (THEIRS, MINE):
        user = register(password, timezone.now())
    secrets = [mailed_token(user, link) for link in links()]

    def click(secret: str) -> int:
        status: int = ApiClient().send("POST", VERIFY, {"token": secret}).status_code
        connection.close()
        return status

    for _ in range(5):
        User.objects.update(email_verified_at=None)
        MailedToken.objects.update(
            used_at=None, superseded_at=None, data={"password": "!", "full_name": ""}
        )
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(click, secrets * 2))

        assert sorted(statuses) == [204, 410, 410, 410]
