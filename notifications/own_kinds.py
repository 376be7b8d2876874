"""The kinds that come with us. Registered by NotificationsConfig.ready()."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from notifications import kinds
from notifications.kinds import Channel, Kind, Type

MESSAGE, ANNOUNCEMENT = "message", "announcement"
BY_MAIL_TOO = frozenset({Channel.IN_APP, Channel.PUSH, Channel.EMAIL})


def texts(*names: str) -> dict[str, Any]:
    """Return the schema of metadata that has these members, all of them text."""
    members = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": members, "required": list(names)}


def account(name: str, description: Any, **fields: Any) -> Kind:
    """Return a kind that concerns the safety of an account. Its mail, accounts itself sends."""
    return Kind(
        f"account.{name}",
        description,
        type=Type.WARNING,
        is_required=True,
        is_urgent=True,
        tells_actor=True,
        **fields,
    )


def of_flag(name: str, description: Any, **fields: Any) -> Kind:
    """Return a kind for those who manage flags."""
    return Kind(f"flag.{name}", description, **{"schema": texts("flag"), **fields})


ORGANIZATION = texts("organization")
ROLE = texts("organization", "role")

OWN = [
    Kind(
        MESSAGE,
        _("A message from an admin of an organization"),
        is_open=True,
        tells_actor=True,  # whoever names themselves wants it
    ),
    Kind(ANNOUNCEMENT, _("News for everybody"), tells_actor=True),
    account(
        "new_device",
        _("Somebody signed in to your account on a new device"),
        title=_("New sign-in on {device}"),
        body=_("If that was not you, choose a new password now. Everybody is signed out by that."),
        schema=texts("device"),
    ),
    account(
        "session_ended",
        _("A session was ended for your safety"),
        title=_("A session was ended for your safety"),
        body=_("Somebody used an old token of it. If that was not you, choose a new password."),
    ),
    account(
        "password_changed",
        _("Your password was changed"),
        title=_("Your password was changed"),
        body=_("If that was not you, choose a new one now and look at your sessions."),
    ),
    account(
        "email_changed",
        _("The address of your account was changed"),
        title=_("The address of your account was changed"),
        body=_("The address before got a mail with which it can be changed back."),
    ),
    Kind(
        "invitation.received",
        _("You are invited to an organization"),
        title=_("{actor} invited you to {organization}"),
        schema=ROLE,
    ),
    Kind(
        "invitation.accepted",
        _("Somebody accepted your invitation"),
        title=_("{actor} joined {organization}"),
        body=_("They accepted your invitation."),
        type=Type.SUCCESS,
        schema=ORGANIZATION,
    ),
    Kind(
        "invitation.role_gone",
        _("An invitation failed because its role is gone"),
        title=_("An invitation to {organization} can't be accepted"),
        body=_("It offers a role that was deleted. Invite {email} again, with another role."),
        type=Type.WARNING,
        schema=texts("organization", "email"),
    ),
    Kind(
        "organization.joined",
        _("You joined an organization"),
        title=_("Welcome to {organization}"),
        body=_("Your role here is {role}."),
        type=Type.SUCCESS,
        schema=ROLE,
        tells_actor=True,
    ),
    Kind(
        "organization.role_changed",
        _("Your role was changed"),
        title=_("{actor} changed your role in {organization}"),
        body=_("You are {role} now."),
        schema=ROLE,
        channels=BY_MAIL_TOO,
    ),
    Kind(
        "organization.removed",
        _("You were removed from an organization"),
        title=_("You belong to {organization} no longer"),
        type=Type.WARNING,
        schema=ORGANIZATION,
        channels=BY_MAIL_TOO,
    ),
    Kind(
        "organization.suspended",
        _("Your access to an organization was stopped"),
        title=_("Your access to {organization} is suspended"),
        type=Type.WARNING,
        schema=ORGANIZATION,
        channels=BY_MAIL_TOO,
    ),
    Kind(
        "organization.reinstated",
        _("You have access to an organization again"),
        title=_("You have access to {organization} again"),
        type=Type.SUCCESS,
        schema=ORGANIZATION,
    ),
    Kind(
        "ownership.offered",
        _("You are asked to own an organization"),
        title=_("{actor} asks you to own {organization}"),
        schema=ORGANIZATION,
        channels=BY_MAIL_TOO,
        is_urgent=True,
    ),
    Kind(
        "ownership.transferred",
        _("Your offer of an ownership was accepted"),
        title=_("{organization} has a new owner"),
        type=Type.SUCCESS,
        schema=ORGANIZATION,
    ),
    of_flag(
        "plan_refused",
        _("A change of a flag that was planned could not be applied"),
        title=_("A planned change of {flag} was not applied"),
        body=_("{why} In {environment} it answers as it did. Look at it, and plan anew."),
        type=Type.WARNING,
        schema=texts("flag", "environment", "why"),
        channels=BY_MAIL_TOO,
        is_urgent=True,
    ),
    of_flag(
        "plan_decided",
        _("Somebody decided about a change of a flag that you planned"),
        title=_("{flag}: your change for {environment} was {decision}"),
        schema=texts("flag", "environment", "decision"),
    ),
    of_flag(
        "approval_wanted",
        _("A change of a flag waits for your approval"),
        title=_("{actor} asks you to approve a change of {flag}"),
        body=_("It is planned for {environment}, where changes take two people."),
        schema=texts("flag", "environment"),
    ),
    of_flag(
        "stale",
        _("A flag of yours seems forgotten"),
        title=_("{flag} seems forgotten"),
        body=_("{why}. Take it out of the code and archive it, or mark it as permanent."),
        schema=texts("flag", "why"),
        tells_actor=True,
    ),
]


def register() -> None:
    for kind in OWN:
        kinds.register(kind)
