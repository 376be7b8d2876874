"""What of the other apps people are told. Imported by NotificationsConfig.ready()."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.events import (
    AccountDeleted,
    AddressChanged,
    NewDeviceSeen,
    PasswordChanged,
    ProfileChanged,
    RefreshTokenReused,
    SessionsEnded,
)
from accounts.models import User, UserSession
from core.events import on, on_many
from core.postgres import row_security
from flags.events import ChangePlanned, FlagFoundStale, PlanDecided, PlanRefused
from invitations import permissions as invitation_permissions
from invitations.events import InvitationAccepted, InvitationCreated, OfferedRoleMissed
from invitations.models import Invitation
from notifications import tasks
from notifications.broadcasts.repositories import members_with_roles
from notifications.events import BroadcastSent, NotificationsArrived
from notifications.kinds import Channel
from notifications.messages import Message
from notifications.models import Notification
from notifications.push import devices
from notifications.push import sending as pushing
from notifications.services import catching_up, changes, preferences
from notifications.services.sending import notify
from organizations.events import (
    MemberJoined,
    MemberReinstated,
    MemberRemoved,
    MemberRoleChanged,
    MemberSuspended,
    OrganizationDeleted,
    OrganizationRestored,
    OwnershipOffered,
    OwnershipTransferred,
)
from organizations.models import Organization


def tell(kind: str, people: Iterable[UUID], **fields: Any) -> None:
    notify(Message(kind, **fields), user_ids=people, now=timezone.now())


def holders(organization_id: UUID, permission: str) -> set[UUID]:
    """Return the members whose role allows something."""
    with row_security.everywhere():
        found = members_with_roles(organization_id)
    return {each.user_id for each in found if permission in each.permissions()}


def name_of(organization_id: UUID) -> str:
    with row_security.everywhere():
        found = Organization.objects.find(organization_id)
    return found.name if found else ""


# -- Accounts --------------------------------------------------------------------------------------
@on(NewDeviceSeen)
def tell_of_the_device(event: NewDeviceSeen) -> None:
    session = UserSession.objects.find(event.session_id)
    device = session.device if session and session.device else "an unknown device"
    key = f"session:{event.session_id}"
    tell("account.new_device", [event.user_id], metadata={"device": device}, dedupe_key=key)


@on(RefreshTokenReused)
def tell_of_the_ended_session(event: RefreshTokenReused) -> None:
    tell("account.session_ended", [event.user_id], dedupe_key=f"session:{event.session_id}")


@on(PasswordChanged)
def tell_of_the_password(event: PasswordChanged) -> None:
    tell("account.password_changed", [event.user_id])


@on(AddressChanged)
def tell_of_the_address(event: AddressChanged) -> None:
    tell("account.email_changed", [event.user_id])


@on(ProfileChanged)
def set_the_digest_by_the_new_clock(event: ProfileChanged) -> None:
    preferences.reset_digest(user_id=event.user_id, now=timezone.now())


@on(AccountDeleted)
def forget_the_person(event: AccountDeleted) -> None:
    """Their rows would go with the account, one by one: here they go in two statements."""
    Notification.objects.of(event.user_id).destroy_all(event.user_id)


@on(SessionsEnded)
def end_the_devices(event: SessionsEnded) -> None:
    devices.end_of_sessions(session_ids=event.session_ids, now=timezone.now())


# -- Push ------------------------------------------------------------------------------------------
@on(NotificationsArrived)
def queue_the_pushes(event: NotificationsArrived) -> None:
    wanted = [each for each in event.arrivals if Channel.PUSH in each.channels]
    told = [(each.user_id, each.notification_id) for each in wanted]
    pushing.queue(told, now=timezone.now())


@on(BroadcastSent)
def push_the_broadcast(event: BroadcastSent) -> None:
    """Those on a list get their rows at once anyway, and their pushes with them."""
    if event.recipient_count is None:
        tasks.push_broadcast.defer(broadcast_id=str(event.broadcast_id), after=None)


# -- Invitations -----------------------------------------------------------------------------------
@on(InvitationCreated)
def tell_the_invited(event: InvitationCreated) -> None:
    """Whoever has an account with the address; others have the mail."""
    invitation = Invitation.objects.with_people().find(event.invitation_id)
    person = User.objects.by_email(invitation.email) if invitation else None
    if person is not None and person.email_verified:
        about = {"organization": name_of(event.organization_id), "role": event.role}
        key = f"invitation:{event.invitation_id}"
        tell(
            "invitation.received",
            [person.pk],
            metadata=about,
            actor_id=event.actor_id,
            dedupe_key=key,
        )


@on(InvitationAccepted)
def tell_the_inviter(event: InvitationAccepted) -> None:
    invitation = Invitation.objects.find(event.invitation_id)
    if invitation is not None and invitation.invited_by_id is not None:
        tell(
            "invitation.accepted",
            [invitation.invited_by_id],
            metadata={"organization": name_of(event.organization_id)},
            organization_id=event.organization_id,
            actor_id=event.actor_id,
            dedupe_key=f"invitation:{event.invitation_id}",
        )


@on(OfferedRoleMissed)
def tell_who_may_invite(event: OfferedRoleMissed) -> None:
    """Once for each offer, whoever tries how often."""
    about = {"organization": name_of(event.organization_id), "email": event.email or "them"}
    tell(
        "invitation.role_gone",
        holders(event.organization_id, invitation_permissions.MANAGE),
        metadata=about,
        organization_id=event.organization_id,
        dedupe_key=f"offer:{event.offer_id}",
    )


# -- Organizations ---------------------------------------------------------------------------------
@on(MemberJoined)
def welcome(event: MemberJoined) -> None:
    tell(
        "organization.joined",
        [event.user_id],
        metadata={"organization": name_of(event.organization_id), "role": event.role},
        organization_id=event.organization_id,
        actor_id=event.actor_id,
    )
    _come_in(event.organization_id, event.user_id)


@on(MemberReinstated)
def welcome_back(event: MemberReinstated) -> None:
    _tell_member("organization.reinstated", event)
    _come_in(event.organization_id, event.user_id)


@on_many(MemberRoleChanged)
def tell_of_the_role(events: Sequence[MemberRoleChanged]) -> None:
    """All who hold another role by one step, such as the end of theirs, are told at once."""
    holders_now = defaultdict(list)
    for event in events:
        holders_now[event.organization_id, event.role[1], event.actor_id].append(event.user_id)
    for (organization_id, role, actor_id), people in holders_now.items():
        tell(
            "organization.role_changed",
            people,
            metadata={"organization": name_of(organization_id), "role": role},
            organization_id=organization_id,
            actor_id=actor_id,
        )


@on(MemberRemoved)
def tell_who_was_removed(event: MemberRemoved) -> None:
    """Of no organization any more: what is of one is not theirs to see now."""
    _reset(event.user_id)
    if not event.left:
        about = {"organization": name_of(event.organization_id)}
        tell("organization.removed", [event.user_id], metadata=about)


@on(MemberSuspended)
def tell_who_is_suspended(event: MemberSuspended) -> None:
    _reset(event.user_id)
    about = {"organization": name_of(event.organization_id)}
    tell("organization.suspended", [event.user_id], metadata=about)


@on(OwnershipOffered)
def tell_of_the_offer(event: OwnershipOffered) -> None:
    _tell_member("ownership.offered", event)


@on(OwnershipTransferred)
def tell_who_offered(event: OwnershipTransferred) -> None:
    if event.actor_id is not None:
        about = {"organization": name_of(event.organization_id)}
        tell(
            "ownership.transferred",
            [event.actor_id],
            metadata=about,
            organization_id=event.organization_id,
        )


@on(OrganizationDeleted)
def take_away_what_is_of_it(event: OrganizationDeleted) -> None:
    tasks.refresh_inboxes.defer(organization_id=str(event.organization_id))


@on(OrganizationRestored)
def bring_back_what_is_of_it(event: OrganizationRestored) -> None:
    tasks.refresh_inboxes.defer(organization_id=str(event.organization_id))


def _tell_member(kind: str, event: Any) -> None:
    tell(
        kind,
        [event.user_id],
        metadata={"organization": name_of(event.organization_id)},
        organization_id=event.organization_id,
        actor_id=event.actor_id,
    )


def _come_in(organization_id: UUID, user_id: UUID) -> None:
    catching_up.come_in(organization_id=organization_id, user_id=user_id, now=timezone.now())


def _reset(user_id: UUID) -> None:
    version = changes.begin(user_id)
    now = timezone.now()
    changes.tell(user_id=user_id, version=version, change=changes.RESET, ids=(), at=now)


# -- Flags -----------------------------------------------------------------------------------------
@on(PlanRefused)
def tell_who_planned_it(event: PlanRefused) -> None:
    about = {"flag": event.name, "environment": event.environment, "why": event.why}
    tell("flag.plan_refused", event.told, metadata=about, dedupe_key=f"plan:{event.plan_id}")


@on(PlanDecided)
def tell_what_was_decided(event: PlanDecided) -> None:
    """Whoever planned it; one who took it back themselves knows."""
    if event.author_id is not None:
        about = {
            "flag": event.name, "environment": event.environment, "decision": event.decision,
        }  # fmt: skip
        tell("flag.plan_decided", [event.author_id], metadata=about, actor_id=event.actor_id)


@on(ChangePlanned)
def tell_who_may_approve(event: ChangePlanned) -> None:
    if event.needs_approval:
        about = {"flag": event.name, "environment": event.environment}
        people = User.objects.staff_who_may("flags.approve").ids()
        tell("flag.approval_wanted", people, metadata=about, actor_id=event.actor_id)


@on(FlagFoundStale)
def tell_its_owner(event: FlagFoundStale) -> None:
    about = {"flag": event.name, "why": event.why[:1].upper() + event.why[1:]}
    tell("flag.stale", [event.owner_id], metadata=about)
