"""What the database holds by itself, whoever writes."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from invitations.models import Invitation
from organizations.models import Organization
from tests.invitations.invited import ADA, invite
from tests.tenants import custom_role

NOW = timezone.now()


def change(invitation: Invitation, **fields: Any) -> None:
    """Write past the services, and have what the commit would check be checked."""
    with transaction.atomic(), connection.cursor() as cursor:
        Invitation.objects.filter(pk=invitation.pk).update(**fields)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"accepted_at": NOW, "revoked_at": NOW}, "invitation_ends_once"),
        ({"accepted_at": NOW, "declined_at": NOW}, "invitation_ends_once"),
        ({"declined_at": NOW, "revoked_at": NOW}, "invitation_ends_once"),
        ({"email_normalized": ADA}, "invitation_one_open"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused(  # INV 7
    acme: Organization, user: User, fields: dict[str, Any], constraint: str
) -> None:
    invite(acme, user)
    invitation = invite(acme, user, "b@example.com")

    with pytest.raises(IntegrityError, match=constraint):
        change(invitation, **fields)


def test_a_custom_role_is_of_the_same_organization(
    acme: Organization, globex: Organization, user: User
) -> None:
    theirs, invitation = custom_role(globex, "scribe"), invite(acme, user)

    with pytest.raises(IntegrityError, match="invitation_custom_role_tenant"):
        change(invitation, custom_role=theirs, role="scribe")


def test_nobody_accepts_what_was_not_accepted(acme: Organization, user: User) -> None:
    invitation = invite(acme, user)

    with pytest.raises(IntegrityError, match="invitation_accepted_by_somebody"):
        change(invitation, accepted_by=user)


def test_the_address_is_free_again_once_one_is_over(acme: Organization, user: User) -> None:
    for end in ("accepted_at", "declined_at", "revoked_at"):
        change(invite(acme, user), **{end: NOW})

    assert invite(acme, user).is_open
