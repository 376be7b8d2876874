from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User
from accounts.services import sessions
from core.errors import DomainError


class AdminBackend(ModelBackend):
    """Lets the admin's sign-in form use the same rules and limits as the API."""

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
        try:
            return sessions.authenticate(email=email, password=password)
        except DomainError:
            return None
