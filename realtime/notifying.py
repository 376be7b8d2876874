"""Saying on people's channels what of their notifications is new or different.

Imported by RealtimeConfig.ready().
"""

from collections.abc import Mapping, Sequence
from typing import Any

from accounts.models import User
from core.api.serializers import rfc3339
from core.events import on, on_many
from notifications.events import BroadcastSent, InboxChanged, NotificationsArrived
from notifications.models import Notification
from notifications.serializers import NotificationSerializer
from realtime import channels
from realtime.channels import EventType
from realtime.services.sending import Message, send, send_all

CREATED, CHANGED, SENT = "notification.created", "inbox.changed", "broadcast.sent"
NUMBER = {"type": "integer"}
ID = {"type": "string", "format": "uuid"}


@on(NotificationsArrived)
def say_what_arrived(event: NotificationsArrived) -> None:
    wanted = [each for each in event.arrivals if "in_app" in each.channels]
    rows = Notification.objects.among(each.notification_id for each in wanted).with_names()
    found = {row.pk: row for row in rows}
    people = User.objects.among({each.user_id for each in wanted}).languages()
    send_all(
        [
            Message(
                f"user:{each.user_id}",
                CREATED,
                {
                    "notification": shown(found[each.notification_id], people[each.user_id]),
                    "unread_count": each.unread_count,
                    "version": each.version,
                },
            )
            for each in wanted
        ]
    )


@on_many(InboxChanged)
def say_what_changed(events: Sequence[InboxChanged]) -> None:
    send_all([Message(f"user:{event.user_id}", CHANGED, _change(event)) for event in events])


def _change(event: InboxChanged) -> dict[str, Any]:
    return {
        "change": event.change,
        "ids": [str(pk) for pk in event.notification_ids],
        "at": rfc3339(event.at),
        "unread_count": event.unread_count,
        "version": event.version,
    }


@on(BroadcastSent)
def say_that_there_is_something(event: BroadcastSent) -> None:
    """One word for all: whoever hears it asks for their count, and has it then."""
    if event.recipient_count is None:
        place = f"organization:{event.organization_id}" if event.organization_id else "system"
        send(place, SENT, {"id": str(event.broadcast_id)})


def shown(row: Notification, language: str) -> dict[str, Any]:
    return NotificationSerializer(context={"language": language}).to_representation(row)


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def register() -> None:
    counted = {"unread_count": NUMBER, "version": NUMBER}
    channels.document(
        "user",
        EventType(
            CREATED,
            "A notification is new, or came to the front again. It is as the list has it.",
            _object(notification={"type": "object"}, **counted),
        ),
    )
    channels.document(
        "user",
        EventType(
            CHANGED,
            "Notifications were read, archived, deleted …, here or elsewhere; `reset`, and "
            "`updated`: load them anew. A count of a lower version is out of date.",
            _object(
                change={"type": "string"},
                ids={"type": "array", "items": ID},
                at={"type": "string", "format": "date-time"},
                **counted,
            ),
        ),
    )
    for kind in ("organization", "system"):
        meaning = "Something was sent to everybody here. Ask for your unread count."
        channels.document(kind, EventType(SENT, meaning, _object(id=ID)))
