"""What people choose, and what follows from it for one notification."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from django.db import transaction

from accounts.models import User
from core.errors import FieldProblem, InvalidError
from core.events import publish
from notifications import kinds
from notifications.choices import clocks
from notifications.choices.resolution import channels_of
from notifications.events import ChannelDefaultsChanged
from notifications.kinds import Kind
from notifications.models import ChannelDefault, Delivery, Preference
from organizations import access, permissions
from organizations.models import Membership


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind on a channel, on or off: in one organization, or everywhere."""

    kind: str
    channel: str
    enabled: bool
    organization_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When mails come, and when nothing does: `quiet` is from when until when."""

    mails: str
    digest_hour: int
    quiet: tuple[time, time] | None


def wishes(
    kind: Kind, organization_id: UUID | None, user_ids: Iterable[UUID]
) -> dict[UUID, frozenset[str]]:
    """Return the channels on which each of these people wants a kind now."""
    people = list(user_ids)
    said: dict[UUID, dict[tuple[str, UUID | None], bool]] = {user_id: {} for user_id in people}
    for row in Preference.objects.among(people).deciding(kind.name, organization_id):
        said[row.user_id][(row.channel, row.organization_id)] = row.enabled
    defaults = {}
    if organization_id is not None:
        here = ChannelDefault.objects.for_organization(organization_id)
        defaults = here.of_kind(kind.name)
    return {u: channels_of(kind, said[u], defaults, organization_id) for u in people}


def of(*, user_id: UUID) -> tuple[list[Preference], Delivery]:
    """Return what somebody chose, and when they want it."""
    return list(Preference.objects.of(user_id).in_order()), Delivery.objects.of(user_id)


@transaction.atomic
def replace(
    *, user_id: UUID, choices: Sequence[Choice] | None, rhythm: Rhythm | None, now: datetime
) -> None:
    """Put these in the place of all choices somebody has made; None leaves them as they are.

    Raises InvalidError for a required kind that would be off, for one that is no kind, for an
    organization they don't belong to, and for a kind on a channel that is named twice.
    """
    user = User.objects.locked().by_id(user_id)
    if choices is not None:
        _check(choices, Membership.objects.of(user_id).active().organization_ids())
        Preference.objects.of(user_id).delete()
        rows = [Preference(user_id=user_id, **_columns(choice)) for choice in choices]
        Preference.objects.add_all(rows)
    if rhythm is not None:
        start, end = rhythm.quiet or (None, None)
        Delivery.objects.put(
            user_id,
            mails=rhythm.mails,
            digest_hour=rhythm.digest_hour,
            quiet_from=start,
            quiet_until=end,
            next_digest_at=clocks.next_digest(
                rhythm.mails, rhythm.digest_hour, user.time_zone, now
            ),
        )


@transaction.atomic
def reset_digest(*, user_id: UUID, now: datetime) -> None:
    """Reckon anew when the next digest is due, after somebody moved to another zone."""
    row = Delivery.objects.among([user_id]).with_user().locked().first()
    if row is not None:
        zone = row.user.time_zone
        due = clocks.next_digest(row.mails, row.digest_hour, zone, now)
        Delivery.objects.change(row, next_digest_at=due)


@transaction.atomic
def replace_defaults(
    *, organization_id: UUID, actor_id: UUID | None, choices: Sequence[Choice]
) -> None:
    """Decide for members who have not chosen themselves. Raises InvalidError as `replace` does."""
    _, rights = access.begin(organization_id, actor_id)
    rights.require(permissions.UPDATE)
    _check(choices, [])
    ChannelDefault.objects.for_organization(organization_id).delete()
    rows = [
        ChannelDefault(
            organization_id=organization_id, kind=c.kind, channel=c.channel, enabled=c.enabled
        )
        for c in choices
    ]
    ChannelDefault.objects.add_all(rows)
    publish(ChannelDefaultsChanged(organization_id=organization_id, actor_id=actor_id))


@transaction.atomic
def stop_mails(*, user_id: UUID, kind: str) -> None:
    """Mail somebody nothing more of a kind, whatever they chose before; "digest" ends digests.

    A required kind stays as it is.
    """
    User.objects.locked().by_id(user_id)
    if kind == DIGEST:
        Delivery.objects.put(user_id, mails=Delivery.Mails.NEVER, next_digest_at=None)
        return
    if kinds.named(kind).is_required:
        return
    mine = Preference.objects.of(user_id).about(kind, kinds.Channel.EMAIL)
    mine.delete()
    Preference.objects.add(user_id=user_id, kind=kind, channel=kinds.Channel.EMAIL, enabled=False)


DIGEST = "digest"


def _columns(choice: Choice) -> dict[str, object]:
    return {
        "kind": choice.kind,
        "channel": choice.channel,
        "enabled": choice.enabled,
        "organization_id": choice.organization_id,
    }


def _check(choices: Sequence[Choice], places: Sequence[UUID]) -> None:
    problems = []
    seen: set[tuple[str, str, UUID | None]] = set()
    for index, choice in enumerate(choices):
        problems += _faults(choice, f"/preferences/{index}", places)
        key = (choice.kind, choice.channel, choice.organization_id)
        if key in seen:
            detail = "This is said twice: once is enough."
            problems.append(FieldProblem(f"/preferences/{index}", "invalid", detail))
        seen.add(key)
    if problems:
        raise InvalidError(*problems)


def _faults(choice: Choice, pointer: str, places: Sequence[UUID]) -> list[FieldProblem]:
    if not kinds.is_name(choice.kind):
        return [FieldProblem(f"{pointer}/kind", "invalid", "There is no such kind.")]
    kind = kinds.named(choice.kind)
    if kind.is_required and not choice.enabled and choice.channel in kind.channels:
        detail = "This kind concerns the safety of the account: it can't be turned off."
        return [FieldProblem(f"{pointer}/enabled", "invalid", detail)]
    if choice.organization_id is not None and choice.organization_id not in places:
        detail = "You belong to no such organization."
        return [FieldProblem(f"{pointer}/organization", "invalid", detail)]
    return []
