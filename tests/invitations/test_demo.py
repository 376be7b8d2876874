"""The invitations that development begins with."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from core.jobs.models import JobFailure
from core.models import MailedToken
from invitations.models import Invitation
from invitations.services import answering
from organizations.demo import ACME, GLOBEX, OWNER
from organizations.models import Membership, Organization
from tests.invitations.invited import secret
from tests.mails import queued


@pytest.fixture(autouse=True)
def development(db: None, settings: Settings) -> None:
    settings.DEVELOPMENT = True


def seed() -> None:
    call_command("seed_demo", stdout=StringIO())


def statuses(slug: str) -> list[str]:
    here = Invitation.objects.for_organization(Organization.objects.get(slug=slug).pk)
    rows: Any = here.with_status(now=timezone.now())
    return sorted(row.status for row in rows)


def everything() -> list[Any]:
    kept: list[Any] = [Invitation, MailedToken, Membership, JobFailure]
    return [list(model._default_manager.order_by("pk").values()) for model in kept]


def test_there_is_one_of_every_kind_and_no_mail() -> None:
    seed()

    assert statuses(ACME) == ["accepted", "declined", "expired", "pending", "pending"]
    assert statuses(GLOBEX) == ["pending"]
    assert queued("invitations.tasks:mail_invitation") == []


def test_a_second_time_changes_nothing() -> None:
    seed()
    before = everything()

    seed()

    assert everything() == before


def test_a_pending_one_can_be_accepted() -> None:
    seed()
    owner = User.objects.by_email(OWNER.email)
    assert owner is not None
    offered = Invitation.objects.open().addressed_to(OWNER.email).get()

    joined = answering.accept(token=secret(offered), user_id=owner.pk, now=timezone.now())

    assert joined.organization.slug == GLOBEX
