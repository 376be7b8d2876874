"""Letting people keep what they were answered before they signed in."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.models import User
from flags import asking, fields
from flags.documents import Snapshot
from flags.engine import Reason
from flags.fields import Subject
from flags.kept import assignments
from flags.models import Assignment, Environment, Flag

_NO_ANSWER = {
    Reason.DISABLED,
    Reason.PREREQUISITE_FAILED,
    Reason.TARGETING_KEY_MISSING,
    Reason.FLAG_NOT_FOUND,
    Reason.ERROR,
}
"""Reasons that say nothing about the visitor: there is nothing to keep."""


@transaction.atomic
def keep_anonymous(*, user: User, anonymous_key: str, now: datetime) -> None:
    """Keep for somebody what `anonymous_key` is answered as `sessionId`, flag by flag.

    Concerns the flags that are marked for it and shown to clients. What was kept before stays: the
    first device counts, and a second call changes nothing.
    """
    found = asking.pinned(settings.FLAGS_ENVIRONMENT)
    if found is None or not found.kept & found.client_visible_set:
        return
    where = Environment.objects.by_name(found.environment)
    if where is None:
        return
    ids = {each.name: each.pk for each in Flag.objects.present().named(found.kept)}
    Assignment.objects.keep(
        Assignment(
            user=user, flag_id=ids[name], environment=where, enabled=on, variant=variant,
            created_at=now,
        )
        for name, on, variant in _answers(found, anonymous_key)
        if name in ids
    )  # fmt: skip
    assignments.forget(user)


def _answers(found: Snapshot, anonymous_key: str) -> Iterator[tuple[str, bool, str]]:
    said = {"sessionId": anonymous_key, "targetingKey": anonymous_key}
    about = fields.context(Subject(), said)
    for name in sorted(found.kept & found.client_visible_set):
        answer = found.rules.answer(name, about)
        if answer.reason not in _NO_ANSWER:
            yield name, answer.enabled, answer.variant or ""
