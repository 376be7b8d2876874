from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import Settings

from accounts.hashers import Argon2idHasher
from accounts.models import User, UserSession
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.mails import queued

ME = "/api/v1/users/me"
LOGIN = "/admin/login/"
PEOPLE = "/admin/accounts/user/"
SESSIONS = "/admin/accounts/usersession/"


@pytest.fixture
def operator(db: None) -> User:
    return make_user("olga@example.com", staff=True)


@pytest.fixture
def admin(operator: User) -> ApiClient:
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(operator)
    return client


def sign_in(email: str, password: str, *, address: str = "192.0.2.1") -> Any:
    client = ApiClient(REMOTE_ADDR=address, HTTP_ACCEPT="text/html")
    return client.post(LOGIN, {"username": email, "password": password})


def act(admin: ApiClient, action: str, *users: User) -> Any:
    return confirm(admin, PEOPLE, action, *users)


def confirm(admin: ApiClient, path: str, action: str, *rows: Any, confirmed: str = "1") -> Any:
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return admin.post(path, body | ({"confirmed": confirmed} if confirmed else {}), follow=True)


def test_an_operator_signs_in(operator: User) -> None:
    answer = sign_in(" OLGA@Example.com ", PASSWORD)

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"


def test_every_page_for_people_shows(admin: ApiClient, user: User) -> None:
    for path in ("/admin/", PEOPLE, f"{PEOPLE}{user.pk}/change/"):
        assert admin.get(path).status_code == 200


def test_no_password_is_chosen_in_the_admin(admin: ApiClient, operator: User) -> None:
    before = operator.password

    answer = admin.post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": "zu kurz!", "new_password2": "zu kurz!"},
    )

    operator.refresh_from_db()
    assert operator.password == before
    assert answer.status_code == 404
    assert "password_change" not in admin.get("/admin/").content.decode()
    for name in ("password_change", "password_change_done"):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:{name}")


def test_people_can_only_be_looked_at(admin: ApiClient, user: User) -> None:
    before = User.objects.values().get(pk=user.pk)

    answer = admin.post(
        f"{PEOPLE}{user.pk}/change/",
        {"full_name": "x" * 200, "language": "!", "time_zone": "Nowhere/Land", "is_staff": "on"},
    )

    assert answer.status_code == 403
    assert User.objects.values().get(pk=user.pk) == before


def test_deactivating_ends_every_session_at_once(
    admin: ApiClient, api: ApiClient, user: User
) -> None:  # ACC 40
    api.read(ME)

    act(admin, "deactivate", user)

    user.refresh_from_db()
    assert not user.is_active
    assert problem(api.send("GET", ME))["code"] == "session_revoked"
    assert UserSession.objects.of(user).get().end_reason == "account deactivated"


def test_reactivating_brings_no_session_back(
    admin: ApiClient, api: ApiClient, user: User
) -> None:  # ACC 40
    act(admin, "deactivate", user)
    act(admin, "reactivate", user)

    user.refresh_from_db()
    assert user.is_active
    assert problem(api.send("GET", ME))["code"] == "session_revoked"
    ApiClient().sign_in(user)


def test_nobody_locks_themselves_out(admin: ApiClient, operator: User, user: User) -> None:
    page = act(admin, "deactivate", operator, user)

    operator.refresh_from_db()
    user.refresh_from_db()
    assert operator.is_active
    assert not user.is_active
    assert "1 account deactivated" in page.content.decode()


def test_an_operator_who_is_deactivated_is_out(admin: ApiClient, operator: User) -> None:
    User.objects.change(operator, is_active=False)

    assert admin.get("/admin/").status_code == 302


def test_failures_are_counted_by_account_here_as_in_the_api(
    anonymous: ApiClient, operator: User
) -> None:  # ACC 18
    body = {"email": operator.email, "password": "wrong"}
    in_api = [anonymous.send("POST", "/api/v1/auth/token", body).status_code for _ in range(2)]
    here = [sign_in(operator.email, "wrong").status_code for _ in range(3)]

    locked = sign_in(operator.email, PASSWORD)

    assert (in_api, here) == ([401] * 2, [200] * 3)
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) >= 1
    assert "Too many requests" in locked.content.decode()


def test_an_address_has_ten_tries_a_minute_here_and_in_the_api_together(
    operator: User,
) -> None:  # ACC 18
    here = [sign_in(f"{n}@example.com", "wrong").status_code for n in range(10)]

    refused = sign_in(operator.email, PASSWORD)
    in_api = ApiClient(REMOTE_ADDR="192.0.2.1").send(
        "POST", "/api/v1/auth/token", {"email": operator.email, "password": PASSWORD}
    )
    elsewhere = sign_in(operator.email, PASSWORD, address="192.0.2.2")

    assert here == [200] * 10
    assert refused.status_code == in_api.status_code == 429
    assert elsewhere.status_code == 302


class CountingHasher(Argon2idHasher):
    checked = 0

    def verify(self, password: str, encoded: str) -> bool:
        CountingHasher.checked += 1
        return super().verify(password, encoded)


def test_whoever_may_not_enter_is_told_the_same_at_the_same_cost(
    operator: User, user: User, settings: Settings
) -> None:  # ACC 16
    User.objects.change(make_user("gone@example.com", staff=True), is_active=False)
    make_user("waits@example.com", staff=True, verified=False)
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    tries = [
        (operator.email, "wrong"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        (user.email, PASSWORD),
        ("gone@example.com", PASSWORD),
        ("waits@example.com", PASSWORD),
    ]

    costs, pages = [], []
    for email, password in tries:
        before = CountingHasher.checked
        pages.append(complaint(sign_in(email, password)))
        costs.append(CountingHasher.checked - before)

    assert costs == [1] * len(tries)
    assert len(set(pages)) == 1


def complaint(response: HttpResponse) -> str:
    assert response.status_code == 200
    return str(response.context["form"].non_field_errors())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("action", "question"),
    [
        ("deactivate", "Deactivate these people, ending all their sessions?"),
        ("end_sessions", "End all sessions of these people?"),
    ],
)
def test_what_can_not_be_undone_is_asked_by_name_first(
    admin: ApiClient, api: ApiClient, user: User, action: str, question: str
) -> None:
    page = confirm(admin, PEOPLE, action, user, confirmed="").content.decode()

    assert f"{question}</h1>" in page
    assert "1 user:" in " ".join(page.split())
    assert user.email in page
    assert 'name="confirmed"' in page
    assert api.read(ME)["email"] == user.email


def test_what_holds_of_a_person_is_told_in_words(admin: ApiClient, user: User) -> None:
    page = admin.get(f"/admin/accounts/user/{user.pk}/change/").content.decode()

    assert ">Yes</span>" in page  # active
    assert ">No</span>" in page  # may enter the admin


def test_too_many_at_once_are_refused(
    admin: ApiClient, user: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.admin_actions.MOST", 1)

    page = act(admin, "deactivate", user, stranger).content.decode()

    assert "Choose at most 1." in page
    assert User.objects.active().count() == 3


def test_support_signs_somebody_out_everywhere(
    admin: ApiClient, api: ApiClient, user: User
) -> None:
    page = act(admin, "end_sessions", user).content.decode()

    assert "1 session ended." in page
    assert problem(api.send("GET", ME))["code"] == "session_revoked"


def test_support_ends_one_session(admin: ApiClient, api: ApiClient, user: User) -> None:
    other = ApiClient()
    other.sign_in(user)
    newest = UserSession.objects.of(user).latest("created_at")

    confirm(admin, SESSIONS, "end", newest)

    assert problem(other.send("GET", ME))["code"] == "session_revoked"
    assert api.read(ME)["email"] == user.email


def test_support_sends_the_link_again_to_those_who_wait(admin: ApiClient, user: User) -> None:
    waiting = make_user("new@example.com", verified=False)
    before = len(queued("accounts.tasks:mail_link"))

    page = act(admin, "resend_verification", user, waiting).content.decode()

    assert "1 link will be mailed." in page
    assert len(queued("accounts.tasks:mail_link")) == before + 1


def test_a_person_leads_to_their_sessions(admin: ApiClient, user: User) -> None:
    page = admin.get(f"{PEOPLE}{user.pk}/change/").content.decode()

    assert f'href="{SESSIONS}?q={user.pk}"' in page
