from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import jwt, keys
from accounts.authentication import bearer_token
from accounts.http import AuthenticatedRequest, device_of
from accounts.models import UserSession
from accounts.plain_lists import SESSIONS
from accounts.repositories import UserSessionRepository
from accounts.serializers import (
    AddressChangeSerializer,
    CredentialsSerializer,
    DetailSerializer,
    EmailSerializer,
    PasswordChangeSerializer,
    PasswordResetSerializer,
    PasswordSerializer,
    ProfileChangeSerializer,
    RefreshSerializer,
    RegistrationSerializer,
    SessionSerializer,
    SignInSerializer,
    TokenPairSerializer,
    TokenSerializer,
    UserSerializer,
)
from accounts.services import (
    address_change,
    deletion,
    password,
    profile,
    reauthentication,
    registration,
    sessions,
)
from core.api.views import ApiView, ApiViewSet
from core.errors import UnauthenticatedError

CHECK_MAIL = {"detail": "If the address can be used, a mail with the next step is on its way."}


class PublicView(ApiView):
    """Open to everybody; an Authorization header is not even looked at."""

    authentication_classes = []
    permission_classes = [AllowAny]


class RegisterView(PublicView):
    limit_scope: ClassVar[str | None] = "register"

    @extend_schema(request=RegistrationSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Open an account. The answer is the same whether or not the address has one."""
        body = RegistrationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        registration.register(now=timezone.now(), **body.validated_data)
        return Response(CHECK_MAIL, 202)


class VerifyEmailView(PublicView):
    @extend_schema(request=TokenSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Prove an address with the token that was mailed to it."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        registration.verify_email(now=timezone.now(), **body.validated_data)
        return Response(status=204)


class ResendVerificationView(PublicView):
    @extend_schema(request=EmailSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Mail a new link; the one before stops working."""
        body = EmailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        registration.resend_verification(now=timezone.now(), **body.validated_data)
        return Response(CHECK_MAIL, 202)


class ForgotPasswordView(PublicView):
    @extend_schema(request=EmailSerializer, responses={202: DetailSerializer})
    def post(self, request: Request) -> Response:
        """Mail a link to choose a new password. The answer is the same for every address."""
        body = EmailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        self.note(password.ask_for_link(now=timezone.now(), **body.validated_data))
        return Response(CHECK_MAIL, 202)


class ResetPasswordView(PublicView):
    @extend_schema(request=PasswordResetSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Choose a new password with the token that was mailed. Every session ends."""
        body = PasswordResetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        password.reset(now=timezone.now(), **body.validated_data)
        return Response(status=204)


class ChangePasswordView(ApiView):
    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Choose a new password. Every session but this one ends."""
        body = PasswordChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        password.change(
            user=request.user,
            session_id=request.auth.session_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(status=204)


class ChangeEmailView(ApiView):
    @extend_schema(request=AddressChangeSerializer, responses={202: DetailSerializer})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Mail a link to a new address. The old one stays until the new one is proved."""
        body = AddressChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        address_change.request(user=request.user, now=timezone.now(), **body.validated_data)
        return Response(CHECK_MAIL, 202)


class ConfirmEmailView(PublicView):
    @extend_schema(request=TokenSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Move the account to the address that the token was mailed to."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        address_change.confirm(now=timezone.now(), **body.validated_data)
        return Response(status=204)


class RevertEmailView(PublicView):
    @extend_schema(request=TokenSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Move the account back to the address it had, within 72 hours. Every session ends."""
        body = TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        address_change.revert(now=timezone.now(), **body.validated_data)
        return Response(status=204)


class CancelDeletionView(PublicView):
    limit_scope: ClassVar[str | None] = "sign_in"

    @extend_schema(request=CredentialsSerializer, responses={204: None})
    def post(self, request: Request) -> Response:
        """Keep an account that was going to be deleted; sign in afterwards."""
        body = CredentialsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        deletion.cancel_by_password(now=timezone.now(), **body.validated_data)
        return Response(status=204)


class SignInView(PublicView):
    limit_scope: ClassVar[str | None] = "sign_in"

    @extend_schema(request=CredentialsSerializer, responses={200: SignInSerializer})
    def post(self, request: Request) -> Response:
        """Begin a session on this device."""
        body = CredentialsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        pair = sessions.sign_in(
            device=device_of(request),
            ip_address=request.META["tenantry.client_address"],
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(SignInSerializer(pair).data)


class RefreshView(PublicView):
    @extend_schema(request=RefreshSerializer, responses={200: TokenPairSerializer})
    def post(self, request: Request) -> Response:
        """Trade a refresh token for a new pair; each may be used once."""
        body = RefreshSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        pair = sessions.refresh(token=body.validated_data["refresh"], now=timezone.now())
        return Response(TokenPairSerializer(pair).data)


class SignOutView(PublicView):
    @extend_schema(request=None, responses={204: None}, auth=[{"accessToken": []}])  # type: ignore[list-item]
    def post(self, request: Request) -> Response:
        """End this session everywhere. An expired access token is good enough."""
        token = bearer_token(request)
        if token is None:
            raise UnauthenticatedError
        claims = jwt.read_expired(token, "access")
        sessions.end_session(session_id=claims.session_id, reason="signed out", now=timezone.now())
        return Response(status=204)


class ReauthenticateView(ApiView):
    @extend_schema(request=PasswordSerializer, responses={204: None})
    def post(self, request: AuthenticatedRequest) -> Response:
        """Show with your password that it is you. For five minutes guarded steps are then open."""
        body = PasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reauthentication.confirm(
            user=request.user,
            session_id=request.auth.session_id,
            now=timezone.now(),
            **body.validated_data,
        )
        return Response(status=204)


class MeView(ApiView):
    @extend_schema(responses=UserSerializer)
    def get(self, request: AuthenticatedRequest) -> Response:
        """Who the access token belongs to."""
        return Response(UserSerializer(request.user).data)

    @extend_schema(request=ProfileChangeSerializer, responses=UserSerializer)
    def patch(self, request: AuthenticatedRequest) -> Response:
        """Change the profile; fields that are left out stay as they are."""
        body = ProfileChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        user = profile.change_profile(user=request.user, now=timezone.now(), **body.validated_data)
        return Response(UserSerializer(user).data)

    @extend_schema(request=PasswordSerializer, responses={204: None})
    def delete(self, request: AuthenticatedRequest) -> Response:
        """Delete the account in 14 days. Every session ends now; until then it can be kept."""
        body = PasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        deletion.request(user=request.user, now=timezone.now(), **body.validated_data)
        return Response(status=204)


class SessionViewSet(mixins.ListModelMixin, ApiViewSet):
    """The caller's open sessions, newest first."""

    queryset = UserSession.objects.all()
    serializer_class = SessionSerializer
    ordering_fields: ClassVar[list[str]] = ["created_at", "last_seen_at"]
    search_fields: ClassVar[list[str]] = ["device"]

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):  # schema generation has no caller
            return UserSession.objects.none()
        return self.plainly(SESSIONS, self._rows, user=self.request.user.pk, now=timezone.now())

    def _rows(self) -> UserSessionRepository:
        return UserSession.objects.of(self.request.user).open(now=timezone.now())  # type: ignore[arg-type]

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request: AuthenticatedRequest, session_id: UUID) -> Response:
        """End a session everywhere."""
        sessions.revoke_session(user=request.user, session_id=session_id, now=timezone.now())
        return Response(status=204)

    @extend_schema("users_me_sessions_destroy_others", request=None, responses={204: None})
    def destroy_others(self, request: AuthenticatedRequest) -> Response:
        """End every session but this one."""
        sessions.end_other_sessions(
            user=request.user,
            kept=request.auth.session_id,
            reason="revoked",
            now=timezone.now(),
        )
        return Response(status=204)


class JWKSView(PublicView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """The public keys that access tokens verify with (RFC 7517)."""
        return Response(keys.jwks(), headers={"Cache-Control": "public, max-age=300"})
