"""What the page of an invitation says, in each state it may be in."""

from accounts.page_words import UNCHANGED, Field, Words

NAME = Field("full_name", "text", "Your name", "What the others will see.", "name")
NEW_PASSWORD = Field(
    "password",
    "password",
    "Choose a password",
    "At least 12 characters. A few unrelated words make a good one.",
    "new-password",
)
PASSWORD = Field(
    "password",
    "password",
    "Your password",
    "The one of the account with this address.",
    "current-password",
)

EMAIL = Field("email", "email", "Your address", "The one of your account.", "username")
OWN_PASSWORD = Field(
    "password",
    "password",
    "Your password",
    "The one of your account. For a new account choose at least 12 characters.",
    "current-password",
)

ASK = "Ask the person who invited you for a new invitation."

STATES = {
    "joined": Words(
        "You have joined",
        "You can close this page and sign in.",
        "Joined",
    ),
    "registered": Words(
        "One step is left",
        "Your account was opened, and you have not joined yet. Look into your mailbox, confirm "
        "your address, and open the invitation again.",
        "Nearly there",
    ),
    "link_registered": Words(
        "One step is left",
        "You have not joined yet. Look into your mailbox and follow the mail we send you. Once "
        "your address is confirmed, open this link again and join.",
        "Nearly there",
    ),
    "declined": Words(
        "The invitation is declined",
        "You did not join, and nothing else was changed. You can close this page.",
        "Declined",
    ),
    "invitation_used": Words(
        "This invitation was already answered",
        "It counts once, or for as many people as it was meant for. If you have joined, sign in. "
        f"Otherwise: {ASK.lower()}",
        UNCHANGED,
    ),
    "invitation_expired": Words(
        "This invitation is too old",
        f"An invitation is open for a few days, and this one's are over. {ASK}",
        UNCHANGED,
    ),
    "invitation_revoked": Words(
        "This invitation no longer holds",
        "It was taken back, or a newer mail took its place. Look for the latest mail in your "
        "mailbox and use the link in that one.",
        UNCHANGED,
    ),
    "invitation_gone": Words(
        "This link does not work",
        f"Perhaps it was cut off on its way. Copy the whole link out of the mail. {ASK}",
        UNCHANGED,
    ),
    "inviter_lost_permission": Words(
        "This invitation is no longer covered",
        "Whoever sent it may no longer give the role it offers. Ask an owner or admin of the "
        "organization for a new one.",
        UNCHANGED,
    ),
}
"""By the code of the refusal, or by what was done."""
