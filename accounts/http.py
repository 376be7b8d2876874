"""What views know of the caller."""

from rest_framework.request import Request

from accounts.jwt import Claims
from accounts.models import User


class AuthenticatedRequest(Request):
    """A request that has passed IsAuthenticated."""

    user: User
    auth: Claims


def device_of(request: Request) -> str:
    """Return the User-Agent, printable characters only."""
    text = str(request.META.get("HTTP_USER_AGENT", ""))
    return "".join(character for character in text if character.isprintable())
