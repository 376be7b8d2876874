"""How audit reacts to events: each becomes an entry, in the transaction that published it."""

from django.utils import timezone

from accounts.events import AccountDeleted
from audit import services
from audit.readings import READINGS, Reading
from core.events import on


def register() -> None:
    on(AccountDeleted)(forget_the_person)
    for event_type, reading in READINGS.items():
        record(event_type, reading)


def record(event_type: type, reading: Reading) -> None:
    """Have every event of this type written down. An app of yours calls this from its apps.py."""
    READINGS[event_type] = reading
    on(event_type)(keep)


def keep(event: object) -> None:
    services.keep(event=event, now=timezone.now())


def forget_the_person(event: AccountDeleted) -> None:
    services.forget_person(user_id=event.user_id)
