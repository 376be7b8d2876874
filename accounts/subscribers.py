"""How accounts react to their own events. Imported by AccountsConfig.ready()."""

from accounts import session_cache, tasks
from accounts.events import ProfileChanged, SessionsEnded, VerificationRequested
from core.events import on, on_committed


@on(VerificationRequested)
def queue_the_mail(event: VerificationRequested) -> None:
    tasks.mail_verification.defer(token_id=str(event.token_id))


@on_committed(SessionsEnded)
def forget_the_sessions(event: SessionsEnded) -> None:
    session_cache.distrust(event.session_ids)


@on_committed(ProfileChanged)
def forget_the_profile(event: ProfileChanged) -> None:
    session_cache.distrust(event.session_ids)
