"""What views know of the caller."""

from functools import cache

import ua_parser
from rest_framework.request import Request

from accounts.jwt import Claims
from accounts.models import User

MAX_USER_AGENT_LENGTH = 500
"""What is read of it: the patterns take time with its length."""
MAX_NAME_LENGTH = 60
PARTS = ua_parser.Domain.USER_AGENT | ua_parser.Domain.OS


class AuthenticatedRequest(Request):
    """A request that has passed IsAuthenticated."""

    user: User
    auth: Claims


def device_of(request: Request) -> str:
    """Return what a person recognizes their device by, e.g. "Firefox on Linux".

    Of a program that says something else of itself it is that, as far as the first blank.
    """
    text = str(request.META.get("HTTP_USER_AGENT", ""))[:MAX_USER_AGENT_LENGTH]
    found = _reader()(text, PARTS)
    if found.user_agent is None:
        return "".join(c for c in text if c.isprintable()).partition(" ")[0][:MAX_NAME_LENGTH]
    system = f" on {found.os.family}" if found.os else ""
    return f"{found.user_agent.family}{system}"


@cache
def _reader() -> ua_parser.Parser:
    """Return what knows browsers and systems; models of phones would double its time and memory."""
    browsers, systems, _ = ua_parser.load_lazy_builtins()
    return ua_parser.Parser.from_matchers((browsers, systems, []))
