"""The state of things stands against it: 409, and links that are over: 410."""

from core.problems.problem import Problem

ASK_THE_INVITER = "Ask the person who invited you for a new invitation."
ASK_FOR_A_NEW_MAIL = "Ask for a new mail and use the link in that one."

STATE = (
    Problem(
        "conflict",
        "This can't be done right now",
        (409,),
        "The request is fine, but the present state of things stands against it. Nothing was "
        "changed.",
        "Read the object again: the detail says what is in the way.",
    ),
    Problem(
        "last_owner",
        "An organization needs an owner",
        (409,),
        "You are the only owner, so leaving, stepping down or closing your account would leave the "
        "organization without one. Nothing was changed.",
        "Make somebody else an owner first, or delete the organization.",
    ),
    Problem(
        "already_member",
        "This person already belongs",
        (409,),
        "The address belongs to a member of the organization. No invitation was sent, and the "
        "member's role is as it was.",
        "To give the person another role, change it in the list of members.",
    ),
    Problem(
        "already_invited",
        "This address is already invited",
        (409,),
        "An invitation to this address is still open. It was kept and no second one was sent.",
        "Send the open invitation again, or revoke it and invite anew.",
    ),
    Problem(
        "approval_needed",
        "This takes two people",
        (409,),
        "Flags of this environment are changed by one person and approved by another. Nothing was "
        "changed.",
        "Plan the change, and ask somebody else to approve it. A kill needs nobody.",
    ),
    Problem(
        "idempotency_in_progress",
        "The first request is still running",
        (409,),
        "A request with the same Idempotency-Key has not finished yet. It goes on; this one did "
        "nothing.",
        "Wait a second and repeat the request with the same key: you get the first one's answer.",
    ),
)

LINKS = (
    Problem(
        "token_used",
        "This link was already used",
        (410,),
        "A link works once, and this one has done its work. What it did stands.",
        "If it was not you, change your password. Otherwise there is nothing left to do.",
    ),
    Problem(
        "token_expired",
        "The token or link is too old",
        (401, 410),
        "With status 401 the access token has run out; with 410 a mailed link has. Nothing was "
        "changed, and the account is still there.",
        "For 401, get a new access token with the refresh token. For 410, ask for a new mail.",
    ),
    Problem(
        "token_superseded",
        "A newer mail took the place of this one",
        (410,),
        "A later mail has a newer link, and only the newest one works. Nothing was changed.",
        "Look for the latest mail in your mailbox and use the link in that one.",
    ),
    Problem(
        "token_unknown",
        "This link does not work",
        (410,),
        "The link is not one of ours, or a part of it was lost on its way. Nothing was changed.",
        "Copy the whole link out of the mail. If that does not help: " + ASK_FOR_A_NEW_MAIL,
    ),
    Problem(
        "invitation_gone",
        "There is no such invitation",
        (410,),
        "The invitation does not exist, or a part of its link was lost. Nothing was changed.",
        "Copy the whole link out of the mail. If that does not help: " + ASK_THE_INVITER,
    ),
    Problem(
        "invitation_expired",
        "The invitation is too old",
        (410,),
        "An invitation is open for a few days, and this one's are over. Nothing was changed.",
        ASK_THE_INVITER,
    ),
    Problem(
        "invitation_revoked",
        "The invitation was taken back",
        (410,),
        "The organization took this invitation back, or replaced it with a newer one. Your account "
        "is as it was.",
        "Look for a newer mail. If there is none: " + ASK_THE_INVITER,
    ),
    Problem(
        "invitation_used",
        "The invitation was already answered",
        (410,),
        "It was accepted or declined before, and counts once. Nothing was changed.",
        "If you have joined, sign in. Otherwise: " + ASK_THE_INVITER,
    ),
    Problem(
        "inviter_lost_permission",
        "The invitation is no longer covered",
        (410,),
        "Whoever sent it may no longer give the role it offers, so it can't be accepted. Your "
        "account is as it was.",
        "Ask an owner or admin of the organization for a new invitation.",
    ),
)
