from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.services import sessions
from core import ratelimits
from core.errors import ForbiddenError, UnauthenticatedError


class AdminBackend(ModelBackend):
    """Lets the admin's sign-in form use the same rules and limits as the API.

    Raises LimitReachedError, which the admin site answers.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        email = username or kwargs.get(User.USERNAME_FIELD)
        if not email or password is None:
            return None
        if request is not None:
            ratelimits.take("sign_in", request.META["tenantry.client_address"])
        try:
            return sessions.authenticate(email=email, password=password)
        except (UnauthenticatedError, ForbiddenError):
            return None
