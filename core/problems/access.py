"""Who is calling, and what they may do: 401, 403 and 404."""

from core.problems.problem import Problem

SIGN_IN_AGAIN = "Sign in again to get new tokens."

ACCESS = (
    Problem(
        "not_authenticated",
        "Sign in first",
        (401,),
        "The call needs to know who is calling, and the request does not say. Nothing was changed.",
        "Send an access token in the header Authorization: Bearer, or an API key in Authorization: "
        "Api-Key.",
    ),
    Problem(
        "token_invalid",
        "The token can't be read",
        (401,),
        "The access token is damaged, of another kind, or was not issued here. Nothing was "
        "changed.",
        "Check that the whole token is sent, and nothing but the token. " + SIGN_IN_AGAIN,
    ),
    Problem(
        "session_revoked",
        "This session has ended",
        (401,),
        "The session of this token was signed out, here or from another device, or by a change of "
        "password. The account and its data are as they were.",
        SIGN_IN_AGAIN,
    ),
    Problem(
        "invalid_credentials",
        "Email or password do not match",
        (401,),
        "No account can be opened with this email and password. The answer is the same for every "
        "reason, so that it tells nobody which addresses have an account.",
        "Check both for typing mistakes. If the password is forgotten, ask for a new one.",
    ),
    Problem(
        "token_reused",
        "A refresh token came a second time",
        (401,),
        "A refresh token works once. This one had been used already, which happens when somebody "
        "else has a copy, so the session was ended to be safe. No data was lost.",
        "Sign in again, keep only the newest refresh token, and refresh in one place of your code.",
    ),
    Problem(
        "mfa_failed",
        "The code does not match",
        (401,),
        "The second step of signing in failed: the code is wrong, too old, or was used before. "
        "You are not signed in, and your codes are unchanged.",
        "Wait for the next code and try again. If it keeps failing, check the clock of the device, "
        "or use a recovery code.",
    ),
    Problem(
        "forbidden",
        "Your role does not allow this",
        (403,),
        "You may see this, but not do that with it. Nothing was changed.",
        "Ask an owner or admin of the organization to do it, or to give you another role.",
    ),
    Problem(
        "deletion_requested",
        "This account is going to be deleted",
        (403,),
        "The email and the password are right, but the deletion of this account was asked for. "
        "Until its day comes, nothing of it is lost.",
        "To keep it, open the link in the mail that told you of the deletion.",
    ),
    Problem(
        "email_not_verified",
        "The email address is not confirmed yet",
        (403,),
        "The account exists and the password is right, but the address has not been confirmed. "
        "Nothing was lost.",
        "Open the link in the mail you received, or ask for a new mail.",
    ),
    Problem(
        "email_mismatch",
        "The invitation is for another address",
        (403,),
        "The invitation was sent to an address that is not the one you are signed in with. It is "
        "still open.",
        "Sign in with the invited address, or ask for an invitation to the address you use.",
    ),
    Problem(
        "reauthentication_required",
        "Please confirm that it is you",
        (403,),
        "This step is guarded, and your last sign-in is more than five minutes ago. Nothing was "
        "changed, and you are still signed in.",
        "Send your password to POST /api/v1/auth/reauthenticate, then send the request again.",
    ),
    Problem(
        "insufficient_scope",
        "The key does not reach that far",
        (403,),
        "The API key is valid, but was made without the scope that this call needs. Nothing was "
        "changed.",
        "Use a key with the scope named in the detail, or make one.",
    ),
    Problem(
        "organization_suspended",
        "The organization is suspended",
        (403,),
        "While an organization is suspended, its data can be read but not changed. Nothing was "
        "lost.",
        "An owner of the organization can find out why and have it lifted.",
    ),
    Problem(
        "not_found",
        "There is nothing here",
        (404,),
        "Either there is no such thing, or it is not yours to see: the two look the same on "
        "purpose. Nothing was changed.",
        "Check the address and the id, and that you are signed in with the right account.",
    ),
)
