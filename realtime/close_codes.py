"""Why a socket was closed, and what a client does next."""

from dataclasses import dataclass
from typing import Final

RESTARTING: Final = 1012
UNAVAILABLE: Final = 1013
MALFORMED: Final = 4400
NOT_AUTHENTICATED: Final = 4401
TOO_LATE: Final = 4408
TOO_MUCH: Final = 4429


@dataclass(frozen=True, slots=True)
class CloseCode:
    number: int
    meaning: str
    advice: str
    is_final: bool = False
    """Coming back would end the same way."""


BACK_OFF = "Come back with back-off."
CATALOG = [
    CloseCode(1001, "The server, or something between, is going away.", BACK_OFF),
    CloseCode(1006, "The connection broke without a word. Never sent: clients see it.", BACK_OFF),
    CloseCode(1009, "Your frame is longer than 64 KiB.", "Send less at once."),
    CloseCode(
        RESTARTING,
        "The server restarts, or somebody who operates it closed the connection.",
        BACK_OFF,
    ),
    CloseCode(
        UNAVAILABLE,
        "You read too slowly (1 000 messages or 4 MiB waited), or the server can't serve now.",
        f"{BACK_OFF} Everything you missed can be replayed.",
    ),
    CloseCode(
        MALFORMED,
        "Ten malformed frames in a row.",
        "Mend the client: this one would end so again.",
        is_final=True,
    ),
    CloseCode(
        NOT_AUTHENTICATED,
        "No valid token: it is wrong or expired, another user's, or its session has ended.",
        "Come back once with a fresh token; if that is refused too, sign in again.",
        is_final=True,
    ),
    CloseCode(TOO_LATE, "No `auth` came within 10 seconds.", BACK_OFF),
    CloseCode(
        TOO_MUCH,
        "Too many messages (20 a second for 5 seconds), connections (20 a user) or refused "
        "subscriptions (20).",
        BACK_OFF,
    ),
]
"""Other 4xxx codes are final as well."""
