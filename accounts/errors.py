from datetime import UTC, datetime

from core.errors import ForbiddenError, UnauthenticatedError


class TokenInvalidError(UnauthenticatedError):
    code = "token_invalid"
    detail = "This access token does not hold. Sign in again."


class TokenExpiredError(UnauthenticatedError):
    code = "token_expired"
    detail = "This token has expired. Refresh it, or sign in again."


class SessionRevokedError(UnauthenticatedError):
    code = "session_revoked"
    detail = "This session was ended. Sign in again."


class TokenReusedError(UnauthenticatedError):
    code = "token_reused"
    detail = (
        "This refresh token was used before, so its session was ended to be safe. Sign in again."
    )


class InvalidCredentialsError(UnauthenticatedError):
    code = "invalid_credentials"
    detail = "The address or the password is not right."


class DeletionRequestedError(ForbiddenError):
    """The person asked for the deletion of this account, and may still take that back."""

    code = "deletion_requested"

    def __init__(self, *, due_at: datetime) -> None:
        super().__init__(
            f"This account will be deleted on {due_at.astimezone(UTC):%d %B %Y}. To keep it, open"
            " the link in the mail we sent, or call /api/v1/auth/deletion/cancel."
        )


class ReauthenticationRequiredError(ForbiddenError):
    code = "reauthentication_required"
    detail = (
        "This takes your password, and you last gave it more than five minutes ago. Send it to"
        " POST /api/v1/auth/reauthenticate, then send this request again."
    )


class EmailNotVerifiedError(ForbiddenError):
    code = "email_not_verified"
    detail = "Open the link in the mail we sent first, or ask for a new one."


class RegistrationClosedError(ForbiddenError):
    detail = (
        "Accounts are opened by invitation here. Use the link in the mail that invited you, with"
        " the address it was sent to."
    )
