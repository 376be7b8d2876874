"""The base of every model of ours."""

import uuid

from django.db import models
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """Return a UUIDv7 (RFC 9562): unguessable enough for ids, ordered by time for indexes."""
    return uuid7()


class BaseModel(models.Model):
    """A row with a time-ordered id and two moments, both in UTC."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True
