"""Mailed links of every kind, fresh, for tests of the pages behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.html import escape

from accounts import page_words
from accounts.models import User, UserSession
from accounts.pages import LINK_PAGES
from accounts.services import address_change, deletion, password
from core import tokens
from core.models import MailedToken
from tests.conftest import PASSWORD, make_user

NEW_PASSWORD = "the lit window upstairs"
NEW_ADDRESS = "new@example.com"
FORM = {"password": NEW_PASSWORD}


@dataclass(frozen=True, slots=True)
class Mailed:
    """A link as its person got it, with the account it is about."""

    user: User
    token: MailedToken
    name: str

    @property
    def secret(self) -> str:
        return tokens.secret_of(self.token)

    @property
    def path(self) -> str:
        return f"/{self.name}/{self.secret}"


def _verify(now: datetime) -> User:
    return make_user("vera@example.com", verified=False)


def _reset(now: datetime) -> User:
    user = make_user("uma@example.com")
    password.forget(email=user.email, now=now)
    return user


def _confirm(now: datetime) -> User:
    user = make_user("uma@example.com")
    address_change.request(user=user, email=NEW_ADDRESS, password=PASSWORD, now=now)
    return user


def _revert(now: datetime) -> User:
    user = _confirm(now)
    asked = MailedToken.objects.of(password.CHANGE_ADDRESS, user.pk).get()
    address_change.confirm(token=tokens.secret_of(asked), now=now)
    user.refresh_from_db()
    return user


def _cancel(now: datetime) -> User:
    user = make_user("uma@example.com")
    deletion.request(user=user, password=PASSWORD, now=now)
    user.refresh_from_db()
    return user


SCENES: dict[str, Callable[[datetime], User]] = {
    "verify-email": _verify,
    "reset-password": _reset,
    "confirm-email": _confirm,
    "revert-email": _revert,
    "cancel-deletion": _cancel,
}


def mail_of(name: str, now: datetime) -> Mailed:
    user = SCENES[name](now)
    return Mailed(user, MailedToken.objects.of(LINK_PAGES[name].purpose, user.pk).get(), name)


def everything() -> tuple[Any, ...]:
    models = (User, MailedToken, UserSession)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


def says(response: Any, words: page_words.Words) -> bool:
    page = response.content.decode()
    return all(escape(text) in page for text in (words.title, words.text, words.badge))
