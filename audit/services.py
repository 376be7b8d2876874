from datetime import datetime
from uuid import UUID

from audit.models import AuditEntry
from audit.readings import READINGS
from core import origin


def keep(*, event: object, now: datetime) -> None:
    """Write down what happened. Call in its transaction: both are committed, or neither."""
    reading = READINGS[type(event)]
    if reading.unless(event):
        return
    came = origin.current()
    kind, actor_id = reading.by(event, came)
    AuditEntry.objects.add(
        created_at=now,
        organization_id=getattr(event, reading.within) if reading.within else None,
        actor_kind=kind,
        actor_id=actor_id,
        action=reading.action,
        target_type=reading.target.type,
        target_id=str(getattr(event, reading.target.field)),
        before=reading.before(event),
        after=reading.after(event),
        ip_address=came.ip_address,
        request_id=came.request_id,
    )


def forget_person(*, user_id: UUID) -> int:
    """Erase where somebody was, as their account goes: what they did stays, under an id that
    nothing else has any more.
    """
    return AuditEntry.objects.concerning(user_id).erase_addresses()
