import pytest

from accounts import passwords
from accounts.models import User
from tests.client import ApiClient, problem

LIGATURE = "\ufdfa"  # three bytes as typed, thirty-three after NFKC


def with_password(raw: str) -> User:
    return User(password=passwords.hashed(raw))


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("café au lait ﬁne", "cafe\u0301 au lait fine"),
        ("\u00e9" * 2048, "e\u0301" * 2048),  # 6 144 bytes as typed, 4 096 as chosen
        ("a" * 4096, "a" * 4096),
        (" blanks at both ends ", " blanks at both ends "),
    ],
)
def test_a_password_that_could_be_chosen_can_be_typed(chosen: str, typed: str) -> None:  # ACC 15
    assert passwords.complaints(chosen) == []
    assert passwords.matches(with_password(chosen), typed)


@pytest.mark.parametrize("raw", ["a" * 4097, "\u00e9" * 2049, LIGATURE * 125])
def test_a_password_that_is_too_long_is_never_cut(raw: str) -> None:  # ACC 15
    assert passwords.complaints(raw) == ["Use at most 4096 bytes."]
    assert not passwords.matches(with_password(raw), raw)


def test_nobody_has_a_password(user: User) -> None:  # ACC 16
    user.password = passwords.unusable()

    for raw in ("", "the password of nobody", user.password):
        assert not passwords.matches(user, raw)
        assert not passwords.matches(None, raw)


@pytest.mark.parametrize("raw", [r"\u0000 twelve letters", r"\ud800 twelve letters"])
def test_what_is_no_text_is_refused(anonymous: ApiClient, user: User, raw: str) -> None:  # ACC 15
    body = b'{"email": "uma@example.com", "password": "%s"}' % raw.encode()

    response = anonymous.send("POST", "/api/v1/auth/token", body)

    assert response.status_code == 400
    assert problem(response)["errors"][0]["pointer"] == "/password"
