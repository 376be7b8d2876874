"""How each event reads in the audit log: one line of a table for each.

What is kept are ids, roles and the names of organizations: never an address, a name, a secret or
the free text of a person. Names are looked up when somebody reads, so that they can be forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.events import (
    AccountDeactivated,
    AccountDeleted,
    AccountDeletionCancelled,
    AccountDeletionRequested,
    AccountReactivated,
    AddressChanged,
    EmailVerified,
    LinkRequested,
    NewDeviceSeen,
    PasswordChanged,
    ProfileChanged,
    RefreshTokenReused,
    SessionsEnded,
    SessionStarted,
)
from accounts.services.sessions import REUSED
from audit.models import AuditEntry
from core.api.serializers import plain
from core.origin import Door, Origin
from core.redaction import redact
from flags import events as flags
from invitations.events import (
    InvitationAccepted,
    InvitationBlockLifted,
    InvitationChanged,
    InvitationCreated,
    InvitationDeclined,
    InvitationExpired,
    InvitationLinkCreated,
    InvitationLinkRevoked,
    InvitationLinkRotated,
    InvitationLinkUsed,
    InvitationMailed,
    InvitationPolicyChanged,
    InvitationPreviewed,
    InvitationResent,
    InvitationRevoked,
    OfferedRoleMissed,
)
from notifications.events import (
    BroadcastEdited,
    BroadcastRecalled,
    BroadcastSent,
    ChannelDefaultsChanged,
    InboxChanged,
    NotificationsArrived,
)
from organizations.events import (
    CustomRoleChanged,
    CustomRoleCreated,
    CustomRoleDeleted,
    MemberJoined,
    MemberReinstated,
    MemberRemoved,
    MemberRoleChanged,
    MemberSuspended,
    OrganizationChanged,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationPurged,
    OrganizationReinstated,
    OrganizationRestored,
    OrganizationSuspended,
    OwnershipOfferCancelled,
    OwnershipOffered,
    OwnershipTransferred,
)

Kind = AuditEntry.ActorKind
Actor = tuple[Kind, UUID | None]


def nobody(event: Any, origin: Origin) -> Actor:
    """An operator where one is at work, else the system: nothing names who it was."""
    if origin.door in {Door.ADMIN, Door.TERMINAL}:
        return Kind.OPERATOR, origin.operator_id
    return Kind.SYSTEM, None


def named(event: Any, origin: Origin) -> Actor:
    """Whom the event names; where it names none, as above."""
    return (Kind.USER, event.actor_id) if event.actor_id else nobody(event, origin)


def owner(event: Any, origin: Origin) -> Actor:
    """The person whose account it is, by a request of theirs: signed in, or with a mailed link."""
    return (Kind.USER, event.user_id) if origin.door is Door.REQUEST else nobody(event, origin)


def holder(event: Any, origin: Origin) -> Actor:
    """Whom the event names; else whoever held the link that the request came with."""
    if event.actor_id is None and origin.door is Door.REQUEST:
        return Kind.GUEST, None
    return named(event, origin)


def clock(event: Any, origin: Origin) -> Actor:
    """Nobody: a moment came, whoever's request or command took note of it."""
    return Kind.SYSTEM, None


@dataclass(frozen=True, slots=True)
class Target:
    type: str
    field: str
    """Of the event: what tells which one."""


ORGANIZATION = Target("organization", "organization_id")
MEMBER = Target("user", "user_id")
ROLE = Target("role", "role")
INVITATION = Target("invitation", "invitation_id")
POLICY = Target("invitation_policy", "organization_id")
LINK = Target("invitation_link", "link_id")
BLOCK = Target("invitation_block", "block_id")
BROADCAST = Target("broadcast", "broadcast_id")
ACCOUNT = Target("account", "user_id")
FLAG = Target("flag", "flag_id")
FLAG_ENVIRONMENT = Target("flag_environment", "environment_id")
SEGMENT = Target("flag_segment", "segment_id")
FLAG_KEY = Target("flag_key", "key_id")
EXPERIMENT = Target("flag_experiment", "experiment_id")


@dataclass(frozen=True, slots=True)
class Reading:
    action: str
    """Stable: clients filter by it."""
    target: Target
    shows: tuple[str, ...] = ()
    """Fields that go to `after`."""
    changes: tuple[str, ...] = ()
    """Fields that hold (before, after); kept where the two differ."""
    by: Callable[[Any, Origin], Actor] = named
    within: str | None = "organization_id"
    """The field that tells whose log it is in; None for what no organization reads."""
    unless: Callable[[Any], bool] = lambda event: False
    """Tells of an event that is not worth an entry."""

    def before(self, event: Any) -> Any:
        return redact({name: plain(was) for name, (was, _) in self._pairs(event).items()})

    def after(self, event: Any) -> Any:
        shown = {name: plain(getattr(event, name)) for name in self.shows}
        return redact(shown | {name: plain(now) for name, (_, now) in self._pairs(event).items()})

    def _pairs(self, event: Any) -> dict[str, tuple[Any, Any]]:
        pairs = {name: getattr(event, name) for name in self.changes}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def of_account(action: str, *shows: str, **options: Any) -> Reading:
    return Reading(action, ACCOUNT, shows, **{"by": owner, "within": None, **options})


def of_invitation(action: str, **options: Any) -> Reading:
    return Reading(action, INVITATION, ("email", "role"), **options)


def of_flag(action: str, *shows: str, **options: Any) -> Reading:
    return Reading(action, FLAG, ("name", *shows), **{"within": None, **options})


def of_environment(action: str, *shows: str, **options: Any) -> Reading:
    return Reading(action, FLAG_ENVIRONMENT, ("name", *shows), within=None, **options)


def of_segment(action: str, *shows: str) -> Reading:
    return Reading(action, SEGMENT, ("name", *shows), within=None)


READINGS: dict[type, Reading] = {
    OrganizationCreated: Reading("organization.created", ORGANIZATION, ("name", "slug")),
    OrganizationChanged: Reading("organization.changed", ORGANIZATION, changes=("name", "slug")),
    OrganizationDeleted: Reading("organization.deleted", ORGANIZATION, ("due_at",)),
    OrganizationRestored: Reading("organization.restored", ORGANIZATION),
    OrganizationPurged: Reading("organization.purged", ORGANIZATION, by=nobody, within=None),
    OrganizationSuspended: Reading("organization.suspended", ORGANIZATION, by=nobody),
    OrganizationReinstated: Reading("organization.reinstated", ORGANIZATION, by=nobody),
    MemberJoined: Reading("member.joined", MEMBER, ("role", "restored")),
    MemberRoleChanged: Reading("member.role_changed", MEMBER, changes=("role",)),
    MemberRemoved: Reading("member.removed", MEMBER, ("left",)),
    MemberSuspended: Reading("member.suspended", MEMBER),
    MemberReinstated: Reading("member.reinstated", MEMBER),
    CustomRoleCreated: Reading("role.created", ROLE, ("permissions",)),
    CustomRoleChanged: Reading("role.changed", ROLE, changes=("name", "permissions")),
    CustomRoleDeleted: Reading("role.deleted", ROLE, ("reassigned_to",)),
    OwnershipOffered: Reading("ownership.offered", MEMBER, ("expires_at",)),
    OwnershipTransferred: Reading("ownership.transferred", MEMBER),
    OwnershipOfferCancelled: Reading("ownership.offer_cancelled", MEMBER),
    InvitationCreated: of_invitation("invitation.created"),
    InvitationChanged: Reading("invitation.changed", INVITATION, ("email",), ("role",)),
    InvitationResent: of_invitation("invitation.resent"),
    InvitationMailed: of_invitation("invitation.mailed"),
    InvitationRevoked: of_invitation("invitation.revoked"),
    InvitationAccepted: of_invitation("invitation.accepted"),
    InvitationDeclined: of_invitation("invitation.declined", by=holder),
    InvitationPreviewed: of_invitation("invitation.previewed", by=holder),
    InvitationExpired: Reading(
        "invitation.expired", INVITATION, ("email", "role", "expires_at"), by=clock
    ),
    InvitationPolicyChanged: Reading(
        "invitation_policy.changed", POLICY, changes=("allowed_domains", "denied_domains")
    ),
    InvitationLinkCreated: Reading("invitation_link.created", LINK, ("role", "max_uses")),
    InvitationLinkRotated: Reading("invitation_link.rotated", LINK, ("role",)),
    InvitationLinkRevoked: Reading("invitation_link.revoked", LINK, ("role",)),
    InvitationLinkUsed: Reading("invitation_link.used", LINK, ("role",)),
    InvitationBlockLifted: Reading(
        "invitation_block.lifted", BLOCK, ("email", "organization_id"), within=None
    ),
    BroadcastSent: Reading("broadcast.sent", BROADCAST, ("kind", "recipient_count")),
    BroadcastEdited: Reading("broadcast.edited", BROADCAST),
    BroadcastRecalled: Reading("broadcast.recalled", BROADCAST),
    ChannelDefaultsChanged: Reading("organization.notification_defaults_changed", ORGANIZATION),
    flags.FlagCreated: of_flag("flag.created"),
    flags.FlagChanged: of_flag("flag.changed", "environment", "fields"),
    flags.FlagKilled: of_flag("flag.killed", "environment"),
    flags.FlagUnkilled: of_flag("flag.unkilled", "environment"),
    flags.FlagArchived: of_flag("flag.archived"),
    flags.FlagRestored: of_flag("flag.restored"),
    flags.FlagDeleted: of_flag("flag.deleted"),
    flags.FlagOverridden: of_flag(
        "flag.overridden", changes=("enabled",), within="organization_id"
    ),
    flags.ChangePlanned: of_flag(
        "flag.change_planned", "environment", "plan_id", "due_at", "needs_approval"
    ),
    flags.PlanDecided: of_flag("flag.plan_decided", "environment", "plan_id", "decision"),
    flags.PlanApplied: of_flag("flag.plan_applied", "environment", "plan_id", "due_at"),
    flags.PlanRefused: of_flag("flag.plan_refused", "environment", "plan_id", "why", by=clock),
    flags.EnvironmentCopied: of_environment("flag_environment.copied", "source", "flags"),
    flags.ApprovalDemanded: of_environment("flag_environment.approval", changes=("demanded",)),
    flags.SegmentCreated: of_segment("flag_segment.created"),
    flags.SegmentChanged: of_segment("flag_segment.changed", "fields"),
    flags.SegmentDeleted: of_segment("flag_segment.deleted"),
    flags.FlagKeyCreated: Reading(
        "flag_key.created",
        FLAG_KEY,
        ("name", "environment", "organization_id"),
        within=None,
    ),
    flags.FlagKeyRevoked: Reading("flag_key.revoked", FLAG_KEY, ("name",), within=None),
    flags.ExperimentStarted: Reading("flag_experiment.started", EXPERIMENT, ("name",), within=None),
    flags.ExperimentStopped: Reading("flag_experiment.stopped", EXPERIMENT, ("name",), within=None),
    EmailVerified: of_account("account.email_verified"),
    PasswordChanged: of_account("account.password_changed"),
    AddressChanged: of_account("account.email_changed"),
    AccountDeletionRequested: of_account("account.deletion_requested", "due_at"),
    AccountDeletionCancelled: of_account("account.deletion_cancelled"),
    AccountDeleted: of_account("account.deleted", by=nobody),
    AccountDeactivated: of_account("account.deactivated", by=nobody),
    AccountReactivated: of_account("account.reactivated", by=nobody),
    SessionStarted: of_account("session.started", "session_id"),
    # Whoever sent it need not be the person: two hold the token.
    RefreshTokenReused: of_account("session.token_reused", "session_id", by=nobody),
    SessionsEnded: of_account(
        "session.ended",
        *("session_ids", "reason"),
        unless=lambda event: not event.session_ids or event.reason == REUSED,
    ),
}  # fmt: skip

NOT_RECORDED: dict[type, str] = {
    NotificationsArrived: "what somebody was told, by something that is recorded itself",
    OfferedRoleMissed: "a refusal, which changed nothing",
    InboxChanged: "what somebody did with their own notifications is theirs to know",
    LinkRequested: "a mail; what its link does is recorded once it is used",
    flags.FlagFoundStale: "its owner is told; nothing changed",
    NewDeviceSeen: "the session it tells of is recorded as started",
    flags.RulesetChanged: "tells processes to look; what was changed is recorded by its own event",
    ProfileChanged: "name, language and time zone, none of which is kept here",
}
"""Events without an entry, each with its reason."""


def actions() -> list[str]:
    return sorted(reading.action for reading in READINGS.values())


def target_types() -> list[str]:
    return sorted({reading.target.type for reading in READINGS.values()})
