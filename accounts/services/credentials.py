"""Showing that you know the password: counted by account, whichever door asks for it."""

from accounts import addresses, passwords
from accounts.models import User
from core import ratelimits
from core.errors import FieldProblem, InvalidError


def are_right(*, email: str, user: User | None, password: str) -> bool:
    """Tell whether this is the password of an active account; None stands for an unknown address.

    Unknown, wrong and inactive cost the same. Failures are counted by account, and a try beyond
    the limit is refused even with the right password; a success is not counted. Raises
    LimitReachedError.
    """
    account = addresses.throttle_key(email)
    verdict = ratelimits.take("sign_in_failures", account)
    if not passwords.matches(user, password) or user is None or not user.is_active:
        return False
    if verdict:
        ratelimits.give_back("sign_in_failures", account, verdict)
    return True


def prove(user: User, *, password: str, pointer: str) -> None:
    """Have somebody who is signed in type their password again, before a change that matters.

    Raises InvalidError, telling of the field at `pointer`, or LimitReachedError.
    """
    if not are_right(email=user.email, user=user, password=password):
        raise wrong_password(pointer)


def wrong_password(pointer: str) -> InvalidError:
    return InvalidError(FieldProblem(pointer, "invalid", "This is not your password."))
