"""Nobody learns from an answer whether an address has an account."""

import re
from datetime import datetime

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import mails
from accounts.models import User
from accounts.services import registration
from core.jobs.rows import select
from core.models import MailedToken
from tests.client import ApiClient
from tests.conftest import PASSWORD, make_user
from tests.mails import newest_token

REGISTER = "/api/v1/auth/register"
RESEND = "/api/v1/auth/verify-email/resend"
BODY = {"email": "new@example.com", "password": PASSWORD, "full_name": "Nia New"}
SAVEPOINT_NAME = re.compile(r'"s\d+_x\d+"')


@pytest.fixture
def now(db: None) -> datetime:
    return timezone.now()


@pytest.fixture
def every_kind(user: User) -> dict[str, str]:
    User.objects.change(make_user("gone@example.com"), is_active=False)
    make_user("waits@example.com", verified=False)
    return {
        "unknown": "nobody@example.com",
        "unproved": "waits@example.com",
        "proved": user.email,
        "deactivated": "gone@example.com",
    }


@pytest.mark.parametrize("path", [REGISTER, RESEND])
def test_the_same_statements_run_whatever_the_address_is(
    anonymous: ApiClient, every_kind: dict[str, str], path: str
) -> None:  # ACC 1
    ran = {}
    for kind, email in every_kind.items():
        body = BODY | {"email": email} if path == REGISTER else {"email": email}
        with CaptureQueriesContext(connection) as captured:
            answer = anonymous.send("POST", path, body)
        ran[kind] = [SAVEPOINT_NAME.sub("", query["sql"])[:40] for query in captured]
        assert answer.status_code == 202

    assert len(ran["unknown"]) > 3
    assert ran == dict.fromkeys(ran, ran["unknown"])


def test_every_kind_of_address_leaves_one_job_of_one_kind(
    anonymous: ApiClient, every_kind: dict[str, str]
) -> None:  # ACC 1
    jobs = "SELECT task_name FROM procrastinate_jobs ORDER BY id"
    before = len(select(jobs))

    for email in every_kind.values():
        anonymous.send("POST", REGISTER, BODY | {"email": email})
        anonymous.send("POST", RESEND, {"email": email})

    found = [row["task_name"] for row in select(jobs)][before:]
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("email", ["nobody@example.com", "uma@example.com", "gone@example.com"])
def test_a_link_that_is_not_needed_is_not_mailed(
    now: datetime, every_kind: dict[str, str], email: str
) -> None:
    MailedToken.objects.all().delete()

    registration.resend_verification(email=email, now=now)

    token = MailedToken.objects.get()
    mails.send_link(token_id=token.pk, now=now)
    assert (mail.outbox, token.binding) == ([], "")


def test_a_mailbox_gets_no_more_mails_than_the_limit_and_nobody_is_told(
    anonymous: ApiClient, settings: Settings
) -> None:
    settings.RATE_LIMITS = {"verification_mails": "3/3600"}
    spellings = ["new@example.com", "n.e.w@Example.com", "new+1@example.com", "new+2@example.com"]

    answers = [anonymous.send("POST", REGISTER, BODY | {"email": email}) for email in spellings]
    again = anonymous.send("POST", RESEND, {"email": spellings[0]})
    elsewhere = anonymous.send("POST", REGISTER, BODY | {"email": "other@example.com"})

    everything = [*answers, again, elsewhere]
    assert {answer.status_code for answer in everything} == {202}
    assert len({answer.content for answer in everything}) == 1
    assert len({tuple(answer.headers) for answer in everything}) == 1
    assert MailedToken.objects.count() == 3 + 1
    assert User.objects.by_email("new+2@example.com") is None


def test_a_link_outlives_a_new_one_that_was_not_mailed(now: datetime, settings: Settings) -> None:
    settings.RATE_LIMITS = {"verification_mails": "1/3600"}
    registration.register(email="new@example.com", password=PASSWORD, full_name="", now=now)
    user = User.objects.get()
    token = newest_token(user)

    registration.resend_verification(email="new@example.com", now=now)

    assert registration.verify_email(token=token, now=now).email_verified


def test_resending_says_the_same_to_everybody(anonymous: ApiClient, user: User) -> None:
    answers = [
        anonymous.send("POST", RESEND, {"email": email}).content
        for email in (user.email, "nobody@example.com", "not an address")
    ]

    assert len(set(answers)) == 1
