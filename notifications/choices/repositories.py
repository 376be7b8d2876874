"""Every query on what people choose, and on the digests that follow from it."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Self
from uuid import UUID

from django.db import models

from accounts.models import User
from core.repositories import Repository
from organizations.repositories import TenantRepository

if TYPE_CHECKING:
    from notifications.models import ChannelDefault, Delivery, Digest, Preference


class PreferenceRepository(Repository["Preference"]):
    def of(self, user_id: UUID) -> Self:
        return self.filter(user_id=user_id)

    def among(self, user_ids: Iterable[UUID]) -> Self:
        return self.filter(user_id__in=list(user_ids))

    def deciding(self, kind: str, organization_id: UUID | None) -> Self:
        """Keep what may decide about a kind in an organization: chosen there, or everywhere."""
        here = models.Q(organization=None)
        if organization_id is not None:
            here |= models.Q(organization_id=organization_id)
        return self.filter(here, kind=kind)

    def about(self, kind: str, channel: str) -> Self:
        return self.filter(kind=kind, channel=channel)

    def in_order(self) -> Self:
        return self.order_by("kind", "channel", models.F("organization_id").asc(nulls_first=True))

    def looked_up(self, text: str) -> Self:
        """By id, or all of one person (whole address)."""
        if "@" not in text:
            return super().looked_up(text)
        person = User.objects.by_email(text)
        return self.of(person.pk) if person else self.none()


class ChannelDefaultRepository(TenantRepository["ChannelDefault"]):
    def of_kind(self, kind: str) -> dict[str, bool]:
        """Return what is said of each channel."""
        return dict(self.filter(kind=kind).values_list("channel", "enabled"))

    def in_order(self) -> Self:
        return self.order_by("kind", "channel")


class DeliveryRepository(Repository["Delivery"]):
    def among(self, user_ids: Iterable[UUID]) -> Self:
        return self.filter(pk__in=list(user_ids))

    def looked_up(self, text: str) -> Self:
        """By id or whole address of the person."""
        if "@" not in text:
            return super().looked_up(text)
        person = User.objects.by_email(text)
        return self.among([person.pk]) if person else self.none()

    def rhythms(self) -> dict[UUID, str]:
        return dict(self.values_list("user_id", "mails"))

    def of(self, user_id: UUID) -> "Delivery":
        """Return how somebody wants it; what holds for everybody who never said."""
        return self.filter(pk=user_id).first() or self.model(user_id=user_id)

    def put(self, user_id: UUID, **fields: object) -> "Delivery":
        row, _ = self.update_or_create(user_id=user_id, defaults=fields)
        return row

    def due(self, *, now: datetime) -> Self:
        return self.filter(next_digest_at__lte=now).order_by("next_digest_at", "pk")

    def with_user(self) -> Self:
        return self.select_related("user")


class DigestRepository(Repository["Digest"]):
    def begin(self, user_id: UUID, day: date) -> "Digest | None":
        """Insert the digest of a day; None when it has one already."""
        new = self.model(user_id=user_id, day=day)
        self.bulk_create([new], ignore_conflicts=True)
        return self.filter(pk=new.pk).first()

    def with_user(self) -> Self:
        return self.select_related("user")

    def claim(self, digest_id: UUID) -> bool:
        """Note that it is about to be sent; False when that was so twice."""
        first = self.filter(pk=digest_id, state="waiting").update(state="sending")
        again = first or self.filter(pk=digest_id, state="sending").update(state="resending")
        return bool(again)

    def made_before(self, moment: datetime) -> Self:
        return self.filter(created_at__lt=moment)
