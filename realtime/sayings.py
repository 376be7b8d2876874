"""What each event says on the channels that come with us: a line of the table below for each.

What is told are ids, roles and the names of organizations: never an address or a secret. Where an
event holds what was before, too, what is now is told.
"""

from collections.abc import Mapping, Sequence
from typing import Any

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
from core.events import on_many
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
from realtime import channels, invited, leaving
from realtime.channels import EventType
from realtime.saying import Saying
from realtime.services.sending import send_all


def here(event: str, meaning: str, *shows: str) -> Saying:
    """Say it to everybody in the organization, and who did it."""
    return Saying("organization", event, meaning, (*shows, "actor_id"))


def of_member(event: str, meaning: str, *shows: str) -> Saying:
    return here(event, meaning, "user_id", *shows)


def yours(event: str, meaning: str, *shows: str) -> Saying:
    """Say to a person what became of their place in an organization."""
    return Saying("user", event, meaning, ("organization_id", *shows, "actor_id"))


def to_you(event: str, meaning: str, *shows: str, **options: Any) -> Saying:
    return Saying("user", event, meaning, shows, **options)


def of_invitation(event: str, meaning: str, *shows: str) -> Saying:
    return Saying("invitations", event, meaning, ("invitation_id", "role", *shows, "actor_id"))


def of_link(event: str, meaning: str) -> Saying:
    return Saying("invitations", event, meaning, ("link_id", "role", "actor_id"))


Sayings = tuple[Saying | invited.ToInvited | leaving.OfLeaving, ...]

SAYINGS: Mapping[type, Sayings] = {
    OrganizationChanged: (
        here("organization.changed", "It has another name or slug.", "name", "slug"),
    ),
    OrganizationDeleted: (
        here("organization.deleted", "Nobody reaches it from now on.", "due_at"),
        invited.HIDDEN,
    ),
    OrganizationRestored: (
        here("organization.restored", "It is back, with members and roles as they were."),
        invited.SHOWN,
    ),
    OrganizationSuspended: (
        Saying("organization", "organization.suspended", "It can be read, and not changed."),
        invited.HIDDEN,
    ),
    OrganizationReinstated: (
        Saying("organization", "organization.reinstated", "It can be changed again."),
        invited.SHOWN,
    ),
    MemberJoined: (
        of_member("member.joined", "Somebody belongs from now on.", "role", "restored"),
        yours("membership.added", "You belong from now on.", "role"),
    ),
    MemberRoleChanged: (
        of_member("member.role_changed", "A member has this role now.", "role"),
        yours("membership.changed", "You have this role now.", "role"),
    ),
    MemberRemoved: (
        of_member("member.removed", "Somebody belongs no longer; `left`: they left.", "left"),
        yours("membership.removed", "You belong no longer; `left`: you left.", "left"),
    ),
    MemberSuspended: (
        of_member("member.suspended", "A member has no access for the time being."),
        yours("membership.suspended", "You have no access for the time being."),
    ),
    MemberReinstated: (
        of_member("member.reinstated", "A suspended member has access again."),
        yours("membership.reinstated", "You have access again."),
    ),
    CustomRoleCreated: (
        here("role.created", "There is a new role.", "role", "permissions"),
    ),
    CustomRoleChanged: (
        here("role.changed", "A role is this now.", "role", "name", "permissions"),
    ),
    CustomRoleDeleted: (
        here("role.deleted", "A role is gone; who held it has another.", "role", "reassigned_to"),
    ),
    OwnershipOffered: (
        of_member("ownership.offered", "A member is asked to become owner.", "expires_at"),
        yours("ownership.offered", "You are asked to become owner.", "expires_at"),
    ),
    OwnershipTransferred: (
        of_member("ownership.transferred", "A member is owner in the place of another."),
    ),
    OwnershipOfferCancelled: (
        of_member("ownership.offer_cancelled", "The offer to this member is over."),
        yours("ownership.offer_cancelled", "The offer to you is over."),
    ),
    InvitationCreated: (of_invitation("invitation.created", "Somebody is invited."), invited.NEW),
    InvitationChanged: (
        of_invitation("invitation.changed", "It offers this role, or says something else."),
        invited.CHANGED,
    ),
    InvitationResent: (
        of_invitation("invitation.resent", "It is mailed anew, and open for longer."),
        invited.CHANGED,
    ),
    InvitationMailed: (of_invitation("invitation.mailed", "The mail server took the mail."),),
    InvitationRevoked: (of_invitation("invitation.revoked", "It was taken back."), invited.GONE),
    InvitationExpired: (of_invitation("invitation.expired", "Its days are over."), invited.GONE),
    InvitationAccepted: (
        of_invitation("invitation.accepted", "Whoever was invited joined."), invited.GONE,
    ),
    InvitationDeclined: (
        of_invitation("invitation.declined", "Whoever was invited said no."), invited.DECLINED,
    ),
    InvitationPolicyChanged: (
        Saying("invitations", "invitation_policy.changed", "Other domains are admitted."),
    ),
    InvitationLinkCreated: (of_link("invitation_link.created", "There is a new link."),),
    InvitationLinkRotated: (of_link("invitation_link.rotated", "A link has a new address."),),
    InvitationLinkRevoked: (of_link("invitation_link.revoked", "A link was taken back."),),
    InvitationLinkUsed: (of_link("invitation_link.used", "Somebody joined by a link."),),
    flags.RulesetChanged: (
        Saying("system", "flags.changed", "Flags may answer differently.", ("environments",)),
    ),
    EmailVerified: (
        to_you("account.email_verified", "Your address is proved: look for invitations to it."),
    ),
    AddressChanged: (
        to_you("account.email_changed", "You have another address. Invitations go by it."),
    ),
    PasswordChanged: (to_you("account.password_changed", "You have another password."),),
    ProfileChanged: (to_you("account.profile_changed", "Your name, language or time zone."),),
    AccountDeletionRequested: (
        to_you("account.deletion_requested", "Your account goes at this moment.", "due_at"),
        leaving.AWAY,
    ),
    AccountDeletionCancelled: (
        to_you("account.deletion_cancelled", "Your account stays."), leaving.BACK,
    ),
    SessionStarted: (to_you("session.started", "Somebody signed in as you.", "session_id"),),
    NewDeviceSeen: (
        to_you("session.new_device", "That was on a device not seen before.", "session_id"),
    ),
    SessionsEnded: (
        to_you(
            "session.ended",
            "Sessions of yours are over.",
            "session_ids",
            unless=lambda event: not event.session_ids,
        ),
    ),
}  # fmt: skip

RULES = "RulesetChanged says that answers may differ; rules are not for all to hear"

SILENT: Mapping[type, str] = {
    flags.FlagCreated: RULES,
    flags.FlagChanged: RULES,
    flags.FlagKilled: RULES,
    flags.FlagUnkilled: RULES,
    flags.FlagArchived: RULES,
    flags.FlagRestored: RULES,
    flags.FlagDeleted: RULES,
    flags.FlagOverridden: RULES,
    flags.ChangePlanned: "those who manage flags look; RulesetChanged says when answers may differ",
    flags.PlanDecided: "whoever planned it is notified",
    flags.PlanApplied: RULES,
    flags.PlanRefused: "whoever planned it and the flag's owner are notified",
    flags.FlagFoundStale: "its owner is notified",
    flags.EnvironmentCopied: RULES,
    flags.ApprovalDemanded: "it changes no answer",
    flags.SegmentCreated: RULES,
    flags.SegmentChanged: RULES,
    flags.SegmentDeleted: RULES,
    flags.ExperimentStarted: RULES,
    flags.ExperimentStopped: RULES,
    flags.FlagKeyCreated: "those who may see keys asked for it",
    flags.FlagKeyRevoked: "its users find out by using it",
    NotificationsArrived: "realtime/notifying.py says it",
    InboxChanged: "realtime/notifying.py says it",
    BroadcastSent: "realtime/notifying.py says it",
    BroadcastEdited: "whoever has it is told by InboxChanged",
    BroadcastRecalled: "whoever has it is told by InboxChanged",
    ChannelDefaultsChanged: "it holds for what comes, and nothing shows it yet",
    OfferedRoleMissed: "those who may invite are notified",
    InvitationPreviewed: "looking changes nothing that a list shows",
    OrganizationCreated: "nobody listens yet; its owner is told by MemberJoined",
    OrganizationPurged: "nobody reaches it any more, and its channels go with it",
    InvitationBlockLifted: "the organization was never told of the block",
    LinkRequested: "a mail",
    RefreshTokenReused: "its session ends, which is said",
    AccountDeactivated: "its sessions end, and nobody can sign in to hear it",
    AccountReactivated: "nobody is signed in to hear it",
    AccountDeleted: "the person is gone, and was hidden from the others since they asked for it",
}
"""Events that say nothing, each with its reason."""


def register() -> None:
    for event_type, sayings in SAYINGS.items():
        on_many(event_type)(say)
        for saying in sayings:
            if not isinstance(saying, leaving.OfLeaving):  # which say what others say, too
                told = EventType(saying.event, saying.meaning, saying.schema(event_type))
                channels.document(saying.kind, told)


def say(events: Sequence[object]) -> None:
    """Say what events of one type have to say, in the transaction of the change."""
    sayings = SAYINGS[type(events[0])]
    messages = [message for saying in sayings for message in saying.messages(events)]
    if messages:
        send_all(messages)
