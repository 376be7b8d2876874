"""What a person's wish to delete their account means for their organizations."""

from datetime import datetime
from uuid import UUID

from core.events import publish
from organizations.errors import LastOwnerError
from organizations.events import OrganizationDeleted, OrganizationRestored
from organizations.models import Membership, Organization
from organizations.services import members, ownership

State = Membership.State


def step_back(*, user_id: UUID, due_at: datetime, now: datetime) -> None:
    """Hide the person in every organization, and let those of theirs alone go with the account.

    Raises LastOwnerError, naming the organizations that would be left without an owner.
    """
    ids = Membership.objects.of(user_id).active().in_present_organizations().organization_ids()
    stuck: list[str] = []
    for organization in Organization.objects.among(ids).present().locked():
        here = Membership.objects.for_organization(organization.pk)
        others = here.belonging().other_than(user_id)
        if not others.exists():
            _let_follow(organization, user_id, due_at=due_at)
        elif not here.owners().other_than(user_id).exists():
            stuck.append(organization.name)
        ownership.withdraw(
            organization_id=organization.pk, user_id=user_id, actor_id=user_id, now=now
        )
    if stuck:
        names = ", ".join(stuck)
        raise LastOwnerError(
            f"You are the only owner of {names}. Make somebody else an owner there, or delete it."
        )
    Membership.objects.of(user_id).active().move(State.LEAVING)
    members.require_owners_left()


def come_back(*, user_id: UUID) -> None:
    """Give the person their places back, and bring back what was only theirs."""
    ids = Membership.objects.of(user_id).leaving().organization_ids()
    held = list(Organization.objects.among(ids).locked())  # before what is in them
    Membership.objects.of(user_id).leaving().move(State.ACTIVE)
    for organization in held:
        if organization.deletion_follows_id != user_id:
            continue
        Organization.objects.change(organization, deletion_due_at=None, deletion_follows=None)
        publish(OrganizationRestored(organization_id=organization.pk, actor_id=user_id))


def let_go(*, user_id: UUID) -> None:
    """Leave to the purge what was only the person's: it may be too much for this transaction."""
    for organization in Organization.objects.following(user_id).locked():
        Organization.objects.change(organization, deletion_follows=None)


def _let_follow(organization: Organization, user_id: UUID, *, due_at: datetime) -> None:
    Organization.objects.change(organization, deletion_due_at=due_at, deletion_follows_id=user_id)
    publish(OrganizationDeleted(organization_id=organization.pk, actor_id=user_id, due_at=due_at))
