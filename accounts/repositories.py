"""Every query on users and their sessions."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db.models import Q

from accounts import addresses
from core.repositories import Repository

if TYPE_CHECKING:
    from accounts.models import User, UserSession

SEEN_INTERVAL = timedelta(minutes=1)


class UserRepository(Repository["User"]):
    def active(self) -> Self:
        return self.filter(is_active=True)

    def inactive(self) -> Self:
        return self.filter(is_active=False)

    def unproved(self) -> Self:
        return self.filter(email_verified_at=None, is_active=True)

    def full_names(self) -> dict[UUID, str]:
        return dict(self.values_list("pk", "full_name"))

    def languages(self) -> dict[UUID, str]:
        return dict(self.values_list("pk", "language"))

    def emails(self) -> list[str]:
        return list(self.values_list("email", flat=True))

    def among(self, ids: Iterable[UUID]) -> Self:
        """Keep these; in the order of their ids, so that two who lock several never deadlock."""
        return self.filter(pk__in=list(ids)).order_by("pk")

    def staff_who_may(self, permission: str) -> Self:
        """Keep active staff with a permission, as in "flags.approve", or with every one."""
        app, _, codename = permission.partition(".")
        named = Q(
            user_permissions__codename=codename, user_permissions__content_type__app_label=app
        )
        return self.active().filter(Q(is_superuser=True) | named, is_staff=True).distinct()

    def due_for_deletion(self, *, now: datetime) -> Self:
        return self.filter(deletion_due_at__lte=now).order_by("deletion_due_at")

    def by_email(self, email: str) -> "User | None":
        """Return the account of an address, however spelled; None also for what is none."""
        try:
            normal = addresses.normalize(email)
        except ValueError:
            return None
        return self.filter(email_normalized=normal).first()

    def proved(self, emails_normalized: Iterable[str]) -> dict[str, UUID]:
        """Return whose these addresses are, by address; one that nobody proved is left out."""
        theirs = self.active().filter(email_normalized__in=list(emails_normalized))
        found = theirs.exclude(email_verified_at=None)
        return dict(found.values_list("email_normalized", "pk"))

    def looked_up(self, text: str) -> Self:
        """By id, by the beginning of the address, or by the beginning of the name in any case."""
        address = self.filter(email_normalized__startswith=_normal(text))
        return super().looked_up(text) | address | self.filter(full_name__istartswith=text)

    def get_by_natural_key(self, email: str) -> "User":
        """Django's own authentication asks by this name. Raises DoesNotExist."""
        found = self.by_email(email)
        if found is None:
            raise self.model.DoesNotExist
        return found

    def add_account(self, *, email: str, **fields: Any) -> "tuple[User, bool]":
        """Insert an account unless the address has one; return whoever has it, locked, and whether
        it is the new one.

        Costs the same two statements either way, also against one made at this very moment. Call
        inside atomic(). Raises ValueError for what is no address.
        """
        given = addresses.canonical(email)
        new = self.model(email=given, email_normalized=addresses.normalize(email), **fields)
        self.bulk_create([new], ignore_conflicts=True)
        found = self.locked().by_email(email)
        if found is None:  # deleted between our insert and this look
            return self.add_account(email=email, **fields)
        return found, found.pk == new.pk

    def replace_hash(self, user: "User", *, password: str) -> None:
        """Write another hash of the same password, unless it was changed since the row was read."""
        if self.filter(pk=user.pk, password=user.password).update(password=password):
            user.password = password

    def lock_unchanged(self, user: "User") -> bool:
        """Lock the row; tell whether it is still active and has the password that was read."""
        same = self.filter(pk=user.pk, password=user.password, is_active=True)
        same = same.filter(deletion_due_at=user.deletion_due_at)
        return same.locked().first() is not None


class UserSessionRepository(Repository["UserSession"]):
    def of(self, user: "User") -> Self:
        return self.filter(user_id=user.pk)

    def looked_up(self, text: str) -> Self:
        """By id, or all of one person (id or whole address) or of one computer (IP address)."""
        if _is_ip_address(text):
            return self.filter(ip_address=text)
        if "@" in text:
            return self.filter(user__email_normalized=_normal(text))
        found = super().looked_up(text)
        return found if found.query.is_empty() else found | self.filter(user_id=text)

    def open(self, *, now: datetime) -> Self:
        return self.filter(ended_at=None, expires_at__gt=now)

    def other_than(self, session_id: UUID) -> Self:
        return self.exclude(pk=session_id)

    def begun_by(self, moment: datetime) -> Self:
        return self.filter(created_at__lte=moment)

    def owners(self, limit: int) -> set[UUID]:
        """Return the people of some of these sessions, at most `limit` of them."""
        return set(self.order_by("user_id").values_list("user_id", flat=True).distinct()[:limit])

    def devices(self) -> set[str]:
        """Return the devices of the latest hundred sessions, over or not."""
        return set(self.order_by("-created_at", "-id").values_list("device", flat=True)[:100])

    def people_behind(self, ids: Iterable[UUID], *, now: datetime) -> dict[UUID, UUID]:
        """Return the user of each of these sessions that is open and of an active account."""
        held = self.open(now=now).filter(pk__in=list(ids), user__is_active=True)
        return dict(held.values_list("pk", "user_id"))

    def with_user(self) -> Self:
        return self.select_related("user")

    def end_all(self, *, reason: str, now: datetime) -> tuple[UUID, ...]:
        """End every open matching session; return their ids."""
        ended = self.open(now=now).locked().ids()
        self.model._default_manager.filter(pk__in=ended).update(
            ended_at=now, end_reason=reason, updated_at=now
        )
        return ended

    def seen(self, session_id: UUID, *, now: datetime) -> None:
        """Note that the session is in use, at most once a minute."""
        stale = self.filter(pk=session_id, last_seen_at__lt=now - SEEN_INTERVAL)
        stale.update(last_seen_at=now)

    def authenticated_since(self, moment: datetime) -> Self:
        return self.filter(authenticated_at__gte=moment)

    def is_of(self, session_id: UUID, *, user_id: UUID) -> bool:
        """Tell whether this session is among these, and that person's."""
        return self.filter(pk=session_id, user_id=user_id).exists()

    def ended_before(self, moment: datetime) -> Self:
        return self.filter(ended_at__lt=moment)

    def expired_before(self, moment: datetime) -> Self:
        return self.filter(expires_at__lt=moment)


def _normal(text: str) -> str:
    try:
        return addresses.normalize(text)
    except ValueError:
        return text.lower()  # the beginning of an address


def _is_ip_address(text: str) -> bool:
    try:
        validate_ipv46_address(text)
    except ValidationError:
        return False
    return "%" not in text  # PostgreSQL's inet knows no zones
