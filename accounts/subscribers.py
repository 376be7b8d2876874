"""How accounts react to their own events. Imported by AccountsConfig.ready()."""

from accounts import session_cache, tasks
from accounts.events import ProfileChanged, RegisteredAgain, SessionsEnded, VerificationRequested
from core.events import on, on_committed


@on(VerificationRequested)
def queue_the_link(event: VerificationRequested) -> None:
    tasks.mail_verification_link.defer(user_id=str(event.user_id), token_id=str(event.token_id))


@on(RegisteredAgain)
def queue_the_notice(event: RegisteredAgain) -> None:
    tasks.mail_registered_again.defer(user_id=str(event.user_id))


@on_committed(SessionsEnded)
def forget_the_sessions(event: SessionsEnded) -> None:
    session_cache.distrust(event.session_ids)


@on_committed(ProfileChanged)
def forget_the_profile(event: ProfileChanged) -> None:
    session_cache.distrust(event.session_ids)
