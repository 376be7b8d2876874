"""Forgetting what was said on streams that nobody can listen to any more."""

from django.db import transaction

from realtime.models import Stream, StreamMessage


@transaction.atomic
def forget(*names: str) -> None:
    StreamMessage.objects.on_any(names).delete()
    Stream.objects.named(names).delete()
