"""Keys that SDKs present. A key is shown once; what is kept is its digest."""

import secrets
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from core.errors import NotFoundError
from core.events import publish
from flags.events import FlagKeyCreated, FlagKeyRevoked
from flags.models import Environment, FlagKey
from flags.services import changes
from flags.services.changes import Author
from organizations.models import Organization

BEGINNING = "tnf_"
SHOWN = 12


@transaction.atomic
def create(
    *,
    name: str,
    environment: str,
    author: Author,
    organization_id: UUID | None = None,
) -> tuple[FlagKey, str, bool]:
    """Make a key. Return it, its secret, and whether its environment was made for it.

    Raises NotFoundError for an organization that is not there.
    """
    is_new = changes.ensure_environment(environment)
    where = Environment.objects.by_name(environment)
    if organization_id is not None:
        Organization.objects.present().by_id(organization_id)
    secret = BEGINNING + secrets.token_urlsafe(32)
    made = FlagKey.objects.add(
        name=name,
        environment=where,
        organization_id=organization_id,
        prefix=secret[:SHOWN],
        digest=_digest(secret),
    )
    publish(
        FlagKeyCreated(
            key_id=made.pk,
            name=name,
            environment=environment,
            organization_id=organization_id,
            actor_id=author.id,
        )
    )
    return made, secret, is_new


@transaction.atomic
def revoke(*, key_id: UUID, author: Author, now: datetime) -> FlagKey:
    """End a key: the next request with it is refused, in every process. Twice does no harm."""
    found = FlagKey.objects.locked().find(key_id)
    if found is None:
        raise NotFoundError("There is no such key.")
    if found.revoked_at is None:
        FlagKey.objects.change(found, revoked_at=now)
        publish(FlagKeyRevoked(key_id=found.pk, name=found.name, actor_id=author.id))
    return found


def resolve(secret: str) -> FlagKey | None:
    """Return the key that holds now, with its environment; None for any other text."""
    if not secret.startswith(BEGINNING):
        return None
    return FlagKey.objects.by_digest(_digest(secret))


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
