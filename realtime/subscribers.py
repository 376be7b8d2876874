"""What ends connections and channels. Imported by RealtimeConfig.ready()."""

from typing import Any

from accounts.events import AccountDeleted, SessionsEnded
from core.events import on, on_committed
from organizations.events import (
    CustomRoleChanged,
    MemberReinstated,
    MemberRemoved,
    MemberRoleChanged,
    MemberSuspended,
    OrganizationDeleted,
    OrganizationPurged,
    OrganizationSuspended,
)
from realtime import switchboard
from realtime.services import forgetting


@on_committed(SessionsEnded)
def close_sockets(event: SessionsEnded) -> None:
    switchboard.announce("sessions.ended", ids=[str(pk) for pk in event.session_ids])


def look_at_the_person(event: Any) -> None:
    switchboard.announce("rights.changed", user_id=str(event.user_id))


def look_at_everybody(event: Any) -> None:
    switchboard.announce("rights.changed", key=str(event.organization_id))


for of_one in (MemberRemoved, MemberSuspended, MemberReinstated, MemberRoleChanged):
    on_committed(of_one)(look_at_the_person)
for of_all in (CustomRoleChanged, OrganizationDeleted, OrganizationSuspended):
    on_committed(of_all)(look_at_everybody)


@on(AccountDeleted)
def forget_what_was_said_to(event: AccountDeleted) -> None:
    forgetting.forget(f"user:{event.user_id}")


@on(OrganizationPurged)
def forget_what_was_said_in(event: OrganizationPurged) -> None:
    forgetting.forget(
        f"organization:{event.organization_id}", f"invitations:{event.organization_id}"
    )
