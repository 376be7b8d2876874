"""Every query on broadcasts."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from core.jobs.rows import execute
from core.postgres.locks import AdvisoryLock
from core.repositories import Repository
from organizations.models import Membership, Organization

if TYPE_CHECKING:
    from notifications.models import Broadcast

HOLD = "SELECT 1 FROM notifications_broadcast WHERE id = ANY(%(ids)s) ORDER BY id FOR SHARE"


class BroadcastRepository(Repository["Broadcast"]):
    def take_turn(self) -> None:
        """Make broadcasts wait for each other until the commit, so that sequences rise with them.

        Whoever has been delivered up to one has then missed none below it.
        """
        execute("SELECT pg_advisory_xact_lock(%(key)s)", key=int(AdvisoryLock.BROADCAST))

    def last_sequence(self) -> int:
        """Return the sequence of the last one."""
        return self.order_by("-sequence").values_list("sequence", flat=True).first() or 0

    def standing(self) -> Self:
        """Leave out what was recalled, and what went to a list of people."""
        return self.filter(recipients=None, recalled_at=None)

    def missed_by(self, user_id: UUID, *, after: int, up_to: int) -> Self:
        """Keep what is for somebody in this range of sequences.

        For members since before it was sent, and for accounts that were there by then, unless it
        asks for later ones.
        """
        account = RawSQL(
            "(SELECT u.created_at FROM accounts_user u WHERE u.id = %s)",
            (user_id,),
            models.DateTimeField(),
        )
        everybody = Q(organization=None) & (
            Q(include_later_joiners=True) | Q(created_at__gte=account)
        )
        found = self.standing().filter(sequence__gt=after, sequence__lte=up_to)
        return found.filter(everybody | _in_places(user_id))

    def missed_in(self, organization_id: UUID, user_id: UUID, *, up_to: int) -> Self:
        """Keep what of one organization is for somebody who just came, or came back."""
        found = self.standing().filter(organization_id=organization_id, sequence__lte=up_to)
        return found.filter(_in_places(user_id))

    def held(self) -> "list[Broadcast]":
        """Return the matching ones as they stay until the commit: an edit has to wait for us.

        Others who hold the same do not: thousands may read at once.
        """
        ids = list(self.values_list("pk", flat=True))
        if not ids:
            return []
        execute(HOLD, ids=ids)
        again = self.model._default_manager.standing()  # read anew: an edit may have come first
        return list(again.filter(pk__in=ids).order_by("sequence"))

    def hold_list(self, broadcast_id: UUID) -> "Broadcast | None":
        """Return, held likewise, what goes to a list of people; None when it was recalled."""
        execute(HOLD, ids=[broadcast_id])
        return self.filter(pk=broadcast_id, recalled_at=None).exclude(recipients=None).first()

    def for_organization(self, organization_id: UUID) -> Self:
        return self.filter(organization_id=organization_id)

    def looked_up(self, text: str) -> Self:
        """By id, or all of one organization, by its id or its whole slug."""
        place = Organization.objects.by_id_or_slug(text)
        return self.for_organization(place.pk) if place else super().looked_up(text)

    def sent_before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)

    def with_place(self) -> Self:
        return self.select_related("organization")


def _in_places(user_id: UUID) -> Any:
    here: Any = Membership.objects.of(user_id).active().in_present_organizations()
    here = here.filter(organization_id=OuterRef("organization_id"))
    since = here.filter(joined_at__lte=OuterRef("created_at"))
    return Q(Exists(since)) | Q(include_later_joiners=True) & Q(Exists(here))


def members_among(organization_id: UUID, user_ids: Iterable[UUID]) -> set[UUID]:
    """Return who of these people belongs to an organization that is there."""
    here = Membership.objects.for_organization(organization_id).active().in_present_organizations()
    return set(here.filter(user_id__in=list(user_ids)).user_ids())


def members_with_roles(organization_id: UUID) -> list[Membership]:
    """Return the active members above the ordinary: whoever may do more than look and take part."""
    here = Membership.objects.for_organization(organization_id).active().with_role()
    return list(here.exclude(role__in=["member", "viewer"]))


def members_after(organization_id: UUID, after: UUID | None, *, limit: int) -> list[UUID]:
    """Return the next active members, in the order of their ids."""
    here = Membership.objects.for_organization(organization_id).active()
    rest = here.filter(user_id__gt=after) if after else here
    return list(rest.order_by("user_id").values_list("user_id", flat=True)[:limit])
