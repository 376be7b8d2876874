"""What the pages of an account's life say, in each state they may be in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from accounts.services import address_change, deletion

REVERT_HOURS = address_change.REVERT_LIFETIME // timedelta(hours=1)
GRACE_DAYS = deletion.GRACE.days


@dataclass(frozen=True, slots=True)
class Next:
    """Another page of ours that may help."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class Words:
    """One state of a page. `badge` and `button` are empty where there is none."""

    title: str
    text: str
    badge: str = ""
    button: str = ""
    next: Next | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """The one thing that a page asks for."""

    name: str
    type: str
    label: str
    help: str
    autocomplete: str


Page = Mapping[str, Words]
"""By state: ready, done, and what may stand in the way."""

UNCHANGED = "Nothing was changed"
USED = "This link was already used"
EXPIRED = "This link is too old"
SUPERSEDED = "This link no longer holds"
UNKNOWN = "This link does not work"
TAKEN = "Another account has this address"

NEW_PASSWORD = Field(
    "password",
    "password",
    "New password",
    "At least 12 characters. A few unrelated words make a good one.",
    "new-password",
)
ADDRESS = Field("email", "email", "Email address", "The one you sign in with.", "email")

FORGOTTEN = Next("Choose a new password", "/forgot-password")
NEW_LINK = Next("Ask for a new link", "/forgot-password")


def _over(title: str, text: str, next: Next | None = None) -> Words:
    return Words(title, text, UNCHANGED, next=next)


VERIFY_EMAIL: Page = {
    "ready": Words(
        "Confirm your email address",
        "One step is left: confirm that this mailbox is yours. After that you can sign in.",
        button="Confirm this address",
    ),
    "done": Words(
        "Your address is confirmed",
        "Thank you. You can close this page and sign in. If you do not know your password, choose "
        "a new one.",
        "Confirmed",
        next=FORGOTTEN,
    ),
    "used": _over(
        USED,
        "A link works once. If it was you who used it, your address is confirmed and you can sign "
        "in.",
    ),
    "expired": _over(
        EXPIRED,
        "Your account is still there. Ask for a new mail where you signed up, and use the link in "
        "that one.",
    ),
    "superseded": _over(
        "A newer mail took the place of this one",
        "Your account is still there. Look for the latest mail in your mailbox and use the link in "
        "that one.",
    ),
    "unknown": _over(
        UNKNOWN,
        "Perhaps it was cut off on its way. Copy the whole link out of the mail, or ask for a new "
        "mail where you signed up.",
    ),
}

FORGOT_PASSWORD: Page = {
    "ready": Words(
        "Forgot your password?",
        "Enter the address of your account, and a mail brings you a link to choose a new password.",
        button="Send me the link",
    ),
    "done": Words(
        "Look into your mailbox",
        "If this address has an account, a mail with a link is on its way. It may take a minute, "
        "and it may be among the junk. If none comes, the account has another address.",
        "Request received",
        next=Next("Enter another address", "/forgot-password"),
    ),
    "limited": Words(
        "Too many links were asked for",
        "Look for the latest mail in your mailbox, among the junk too, and use the link in that "
        "one.",
        "No further mail was sent",
    ),
}

RESET_PASSWORD: Page = {
    "ready": Words(
        "Choose a new password",
        "It takes the place of the one you had. You are signed out everywhere, and sign in again "
        "with the new one.",
        button="Save the new password",
    ),
    "done": Words(
        "Your password is changed",
        "Every session was ended. You can close this page and sign in with the new password.",
        "Saved",
    ),
    "used": _over(
        USED,
        "A link works once. If it was you who used it, sign in with the password you chose then.",
        NEW_LINK,
    ),
    "expired": _over(
        EXPIRED,
        "Your password is the one you had. To choose another, ask for a new link.",
        NEW_LINK,
    ),
    "superseded": _over(
        SUPERSEDED,
        "A later mail took the place of this one, or the account was changed in the meantime. Use "
        "the link in the latest mail, or ask for a new one.",
        NEW_LINK,
    ),
    "unknown": _over(
        UNKNOWN,
        "Perhaps it was cut off on its way. Copy the whole link out of the mail, or ask for a new "
        "one.",
        NEW_LINK,
    ),
}

CONFIRM_EMAIL: Page = {
    "ready": Words(
        "Use this address for your account",
        "One step is left: confirm that this mailbox is yours. From then on you sign in with it, "
        "and mail about your account comes here.",
        button="Use this address",
    ),
    "done": Words(
        "Your account has a new address",
        "Sign in with it from now on. The old address got a mail that can undo the change for "
        f"{REVERT_HOURS} hours.",
        "Confirmed",
    ),
    "used": _over(
        USED, "A link works once. If it was you who used it, your account has this address."
    ),
    "expired": _over(
        EXPIRED,
        "Your account keeps the address it has. Ask for the change again, and use the link in the "
        "new mail.",
    ),
    "superseded": _over(
        SUPERSEDED,
        "A later mail took the place of this one, or the account was changed in the meantime. Use "
        "the link in the latest mail, or ask for the change again.",
    ),
    "unknown": _over(
        UNKNOWN,
        "Perhaps it was cut off on its way. Copy the whole link out of the mail, or ask for the "
        "change again.",
    ),
    "conflict": _over(
        TAKEN,
        "It was confirmed for another account in the meantime, so your account keeps the address "
        "it has. If that other account is yours too, sign in to it, or choose another address.",
    ),
}

REVERT_EMAIL: Page = {
    "ready": Words(
        "Undo the change of your address",
        "Your account gets this address back, everybody is signed out, and a mail to this address "
        "lets you choose a new password.",
        button="Get my address back",
    ),
    "done": Words(
        "Your account has this address again",
        "Every session was ended. A mail with a link to choose a new password is on its way: do "
        "that next, because somebody may know the old one.",
        "Undone",
    ),
    "used": _over(
        USED,
        "A link works once. If it was you who used it, your account has this address again. If you "
        "have not chosen a new password since, do that now.",
        FORGOTTEN,
    ),
    "expired": _over(
        EXPIRED,
        f"A change can be undone for {REVERT_HOURS} hours, and they are over. If it was not you "
        "who changed the address, ask the people who run this service for help.",
    ),
    "superseded": _over(
        SUPERSEDED,
        "The account was changed or closed in the meantime. If that was not you, ask the people "
        "who run this service for help.",
    ),
    "unknown": _over(
        UNKNOWN,
        "Perhaps it was cut off on its way. Copy the whole link out of the mail.",
    ),
    "conflict": _over(
        TAKEN,
        "It was confirmed for another account in the meantime, so it can't be given back. If you "
        "do not know that account, ask the people who run this service for help.",
    ),
}

CANCEL_DELETION: Page = {
    "ready": Words(
        "Keep your account",
        "It is going to be deleted. If you keep it, everything is as it was, and you can sign in "
        "again.",
        button="Keep my account",
    ),
    "done": Words(
        "Your account stays",
        "Nothing of it was lost. You can close this page and sign in. If it was not you who asked "
        "for the deletion, choose a new password first.",
        "Kept",
        next=FORGOTTEN,
    ),
    "used": _over(
        USED,
        "A link works once. If it was you who used it, your account stays, and you can sign in.",
    ),
    "expired": _over(
        EXPIRED,
        f"An account can be kept for {GRACE_DAYS} days after its deletion was asked for, and they "
        "are over.",
    ),
    "superseded": _over(
        SUPERSEDED,
        "The account was kept already, or a later mail took the place of this one. Try to sign in: "
        "the answer tells which of the two it is.",
    ),
    "unknown": _over(
        UNKNOWN,
        "Perhaps it was cut off on its way: copy the whole link out of the mail. An account that "
        "was deleted for good can't be brought back.",
    ),
}
