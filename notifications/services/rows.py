"""Making the row of one person out of what is to be told."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import User
from notifications import tasks, wording
from notifications.kinds import Channel, Kind
from notifications.messages import Message
from notifications.models import Broadcast, Delivery, Notification

Mail = Notification.Mail
Wishes = Mapping[UUID, frozenset[str]]
Names = Mapping[UUID, str]


class Maker:
    """Makes rows that differ by person alone: whether they are listed, mailed, and how they read.

    Reads once for all of them who did it and when they want mails.
    """

    def __init__(
        self,
        message: Message,
        users: Collection[User],
        wishes: Wishes,
        *,
        names: Names | None = None,
    ) -> None:
        """`names`: of who did it, where that was read for several messages."""
        self.message, self.kind, self.wishes = message, message.spec, wishes
        self.columns = message.columns()
        self.actor_ids = [message.actor_id] if message.actor_id else []
        names = names_of([message]) if names is None else names
        self.actor_names = [names.get(pk) for pk in self.actor_ids]
        mailed = [user.pk for user in users if Channel.EMAIL in wishes[user.pk]]
        self.rhythms = Delivery.objects.among(mailed).rhythms() if mailed else {}

    def row(self, user: User, *, at: datetime, **fields: Any) -> Notification:
        usual: dict[str, Any] = {
            "organization_id": self.message.organization_id,
            "actor_ids": self.actor_ids,
            "dedupe_key": self.message.dedupe_key,
            "is_listed": Channel.IN_APP in self.wishes[user.pk],
            "mail": self._mail(user.pk),
        }
        made = Notification(user_id=user.pk, created_at=at, **{**usual, **self.columns, **fields})
        self.say(made, user)
        return made

    def say(self, row: Notification, user: User) -> None:
        """Store how it reads now: for the search, and for when its kind is gone."""
        if not self.kind.has_texts:
            return
        row.actor_names = self.actor_names  # type: ignore[attr-defined]  # as a query adds them
        words = wording.words_of(row, language=user.language)
        row.title, row.body = words.title[:200], words.body

    def _mail(self, user_id: UUID) -> str:
        if Channel.EMAIL not in self.wishes[user_id]:
            return Mail.NONE
        return mail_of(self.kind, self.rhythms.get(user_id, Delivery.Mails.AT_ONCE))


def names_of(messages: Iterable[Message]) -> Names:
    """Return what those are called who did what these messages tell of."""
    ids = {each.actor_id for each in messages if each.actor_id is not None}
    return User.objects.among(ids).full_names() if ids else {}


def mail_of(kind: Kind, rhythm: str) -> str:
    """Return how a mail of this kind goes out to somebody with this rhythm."""
    at_once = rhythm == Delivery.Mails.AT_ONCE or kind.is_urgent
    if rhythm == Delivery.Mails.NEVER:
        return Mail.WAITING if kind.is_required else Mail.NONE
    return Mail.WAITING if at_once else Mail.DIGEST


def is_anywhere(row: Notification, wishes: frozenset[str]) -> bool:
    """Tell whether somebody gets anything of it at all."""
    return row.is_listed or row.mail != Mail.NONE or Channel.PUSH in wishes


def queue_mails(rows: Iterable[Notification]) -> None:
    """Have those mailed that wait for it, by one job each: a mail that fails is tried alone."""
    calls = [{"notification_id": str(row.pk)} for row in rows if row.mail == Mail.WAITING]
    if calls:
        tasks.mail_notification.defer_many(calls)


def message_of(broadcast: Broadcast) -> Message:
    return Message(
        kind=broadcast.kind,
        title=broadcast.title,
        body=broadcast.body,
        type=broadcast.type,
        actions=broadcast.actions,
        metadata=broadcast.metadata,
        organization_id=broadcast.organization_id,
        actor_id=broadcast.sent_by_id if broadcast.organization_id else None,
    )
