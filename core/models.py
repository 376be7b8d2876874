"""The base of every model of ours."""

import uuid

from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from core.jobs.models import JobFailure as JobFailure
from core.postgres.json import JSONField
from core.repositories import IdempotentAnswerRepository, MailedTokenRepository


def new_id() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562): unguessable enough for ids, ordered by time for indexes."""
    return uuid7()


class BaseModel(models.Model):
    """A row with a time-ordered id and two moments, both in UTC."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class IdempotentAnswer(models.Model):
    """The answer given to an Idempotency-Key, kept for 24 hours."""

    scope = models.BinaryField(primary_key=True, max_length=32)
    """SHA-256 of caller, method, path and key."""
    body_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    sealed = models.BinaryField()
    """Headers and body, encrypted under the caller's key."""
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = IdempotentAnswerRepository.as_manager()

    def __str__(self) -> str:
        return f"{self.status} of {self.created_at:%Y-%m-%d %H:%M}"


class MailedToken(BaseModel):
    """A link that was mailed: one purpose, one use. The token itself is derived, never stored."""

    purpose = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    """The row that the link is about: a user, an invitation."""
    binding = models.CharField(max_length=254)
    """What has to be unchanged when the link is used, usually the address it was mailed to."""
    data = JSONField(default=dict)
    """What takes effect when the link is used; never shown, never logged, gone once it is over."""
    nonce = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the token."""
    hint = models.CharField(max_length=6, default="", db_default="", editable=False)
    """How the token begins, by which support finds the row of a link that is read to them."""
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)

    objects = MailedTokenRepository.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(used_at=None) | models.Q(superseded_at=None),
                name="mailed_token_used_xor_superseded",
            ),
            models.CheckConstraint(
                condition=models.Q(used_at=None, superseded_at=None) | models.Q(data={}),
                name="mailed_token_closed_holds_no_data",
            ),
        ]
        indexes = [
            models.Index(fields=["subject_id", "purpose"], name="mailed_token_subject"),
            models.Index(fields=["hint"], name="mailed_token_hint", condition=~models.Q(hint="")),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.subject_id}"
