"""What ends connections and channels. Imported by RealtimeConfig.ready()."""

from accounts.events import SessionsEnded
from core.events import on_committed
from organizations.events import MemberRemoved, MemberRoleChanged, MemberSuspended
from realtime import switchboard


@on_committed(SessionsEnded)
def close_sockets(event: SessionsEnded) -> None:
    switchboard.announce("sessions.ended", ids=[str(pk) for pk in event.session_ids])


@on_committed(MemberRemoved)
def drop_channels_of_who_left(event: MemberRemoved) -> None:
    switchboard.announce("rights.changed", user_id=str(event.user_id))


@on_committed(MemberSuspended)
def drop_channels_of_who_is_suspended(event: MemberSuspended) -> None:
    switchboard.announce("rights.changed", user_id=str(event.user_id))


@on_committed(MemberRoleChanged)
def look_at_channels_again(event: MemberRoleChanged) -> None:
    switchboard.announce("rights.changed", user_id=str(event.user_id))
