"""How accounts react to their own events. Imported by AccountsConfig.ready()."""

from accounts import session_cache, tasks
from accounts.events import (
    AddressChanged,
    LinkRequested,
    NewDeviceSeen,
    PasswordChanged,
    ProfileChanged,
    RefreshTokenReused,
    SessionsEnded,
)
from core.events import on, on_committed


@on(LinkRequested)
def queue_the_link(event: LinkRequested) -> None:
    tasks.mail_link.defer(token_id=str(event.token_id))


@on(PasswordChanged)
def tell_of_the_password(event: PasswordChanged) -> None:
    tasks.mail_password_changed.defer(user_id=str(event.user_id))


@on(NewDeviceSeen)
def tell_of_the_device(event: NewDeviceSeen) -> None:
    tasks.mail_session_notice.defer(template="new_device", session_id=str(event.session_id))


@on(RefreshTokenReused)
def tell_of_the_reuse(event: RefreshTokenReused) -> None:
    tasks.mail_session_notice.defer(template="session_ended", session_id=str(event.session_id))


@on_committed(SessionsEnded)
def forget_the_sessions(event: SessionsEnded) -> None:
    session_cache.distrust(event.session_ids)


@on_committed(ProfileChanged)
def forget_the_profile(event: ProfileChanged) -> None:
    session_cache.distrust(event.session_ids)


@on_committed(AddressChanged)
def forget_the_address(event: AddressChanged) -> None:
    session_cache.distrust(event.session_ids)
