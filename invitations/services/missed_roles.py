"""Telling of somebody who could not join because the role they were offered was deleted."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from accounts import addresses
from core.events import publish
from invitations.errors import RoleGoneError
from invitations.events import OfferedRoleMissed
from invitations.models import Invitation, InvitationLink


@contextmanager
def told() -> Iterator[None]:
    """Run around a transaction: what it did is undone by the refusal, and this stays."""
    try:
        yield
    except RoleGoneError as error:
        if isinstance(error.offer, Invitation | InvitationLink):
            _tell(error.offer)
        raise


@transaction.atomic
def _tell(offer: Invitation | InvitationLink) -> None:
    email = addresses.masked(offer.email) if isinstance(offer, Invitation) else ""
    publish(
        OfferedRoleMissed(organization_id=offer.organization_id, offer_id=offer.pk, email=email)
    )
