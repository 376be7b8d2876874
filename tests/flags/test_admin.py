"""The admin's pages about flags."""

import json
from typing import Any

import pytest

import flags
from accounts.models import User
from flags.models import Environment, Flag, FlagChange, FlagKey, FlagRules, Segment
from flags.services import keys
from organizations.models import Organization
from tests.client import ApiClient
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share

FLAGS = "/admin/flags/flag/"


@pytest.fixture
def admin(db: None) -> ApiClient:
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(make_user("olga@example.com", staff=True))
    return client


def text(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return " ".join(response.content.decode().split())


def form_of(row: FlagRules, **changes: Any) -> dict[str, Any]:
    """Return what a browser would send that changes these fields."""
    whole = {name: json.dumps(getattr(row, name)) for name in ("strategies", "variants", "denied")}
    plain = {
        **whole, "allowed": json.dumps(row.allowed), "enabled": "on", "seen_version": row.version,
        "percentage": "", "users": "", "emails": "", "domains": "", "organizations": "",
        "starts_at_0": "", "starts_at_1": "", "ends_at_0": "", "ends_at_1": "", "reason": "",
        "due_at_0": "", "due_at_1": "",
    }  # fmt: skip
    return plain | changes


def test_every_page_shows(admin: ApiClient) -> None:
    flag = make_flag(strategies=[share("25")], settings={"description": "A lamp"})
    make_flag("dark", enabled=False)
    Segment.objects.add(name="s", constraints=[])
    keys.create(name="k", environment="production", author=AUTHOR)

    listed = text(admin.get(FLAGS))
    assert "25 %" in listed
    assert 'class="house-flag house-flag-on">On' in listed
    for model in (Flag, FlagRules, FlagChange, Segment, Environment, FlagKey):
        path = f"/admin/flags/{model._meta.model_name}/"
        text(admin.get(path))
        text(admin.get(f"{path}{model._default_manager.all()[0].pk}/change/"))
    text(admin.get(f"{FLAGS}add/"))
    text(admin.get(f"{FLAGS}?archived=1"))
    assert "Every change of it" in text(admin.get(f"{FLAGS}{flag.pk}/change/"))


def test_a_flag_is_made(admin: ApiClient) -> None:
    body = {
        "name": "lamp", "description": "", "kind": "release", "is_client_visible": "on",
        "dependencies": "[]", "expires_at_0": "", "expires_at_1": "",
    }  # fmt: skip
    assert admin.post(f"{FLAGS}add/", body).status_code == 302

    flag = Flag.objects.get()
    assert flag.is_client_visible
    entry = FlagChange.objects.get()
    assert (entry.action, entry.source, entry.actor_name) == ("created", "admin", "Uma User")
    assert "already exists" in text(admin.post(f"{FLAGS}add/", body, follow=True))


def test_the_simple_form_is_enough_for_the_common_case(admin: ApiClient, user: User) -> None:
    make_flag()
    row = FlagRules.objects.get()
    body = form_of(row, percentage="12.5", emails="a@x.example\n\n uma@example.com ", reason="why")
    assert admin.post(f"/admin/flags/flagrules/{row.pk}/change/", body).status_code == 302

    row.refresh_from_db()
    assert row.strategies[0]["parameters"]["rollout"] == "12.5"
    assert row.allowed == {"email": ["a@x.example", "uma@example.com"]}
    assert flags.is_enabled("lamp", user=user)
    entry = FlagChange.objects.order_by("-created_at", "-id")[0]
    assert (entry.reason, entry.source) == ("why", "admin")


def test_mistakes_stand_beside_their_field(admin: ApiClient) -> None:
    make_flag()
    row = FlagRules.objects.get()
    path = f"/admin/flags/flagrules/{row.pk}/change/"

    wrong = json.dumps([{"name": "mine"}])
    assert "/strategies/0/name" in text(admin.post(path, form_of(row, strategies=wrong)))
    assert "not both" in text(
        admin.post(path, form_of(row, percentage="5", strategies=json.dumps([share("6")])))
    )
    assert "percentage of 0 to 100" in text(admin.post(path, form_of(row, percentage="500")))
    assert "Enter a valid JSON" in text(admin.post(path, form_of(row, denied="{")))
    stale = form_of(row, seen_version=row.version - 1)
    assert "Somebody changed these rules" in text(admin.post(path, stale))
    row.refresh_from_db()
    assert (row.strategies, row.version) == ([], 2)


def act(admin: ApiClient, path: str, action: str, *rows: Any, **more: str) -> str:
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return text(admin.post(path, body, follow=True))


def test_a_kill_asks_first(admin: ApiClient, user: User) -> None:
    flag = make_flag()

    assert "lamp" in act(admin, FLAGS, "kill", flag)
    assert not FlagRules.objects.get().is_killed
    act(admin, FLAGS, "kill", flag, confirmed="1")
    assert FlagRules.objects.get().is_killed
    assert "Killed" in text(admin.get(FLAGS))
    act(admin, FLAGS, "unkill", flag, confirmed="1")
    assert FlagRules.objects.get().is_on
    act(admin, FLAGS, "archive", flag, confirmed="1")
    assert Flag.objects.get().is_archived
    act(admin, FLAGS, "restore", flag, confirmed="1")
    assert not Flag.objects.get().is_archived


def test_history_shows_what_changed_and_goes_back(admin: ApiClient) -> None:  # FLG 29
    make_flag(strategies=[share("10")])
    change_rules(strategies=[share("50")])
    newest, before = FlagChange.objects.order_by("-created_at", "-id")[:2]

    page = text(admin.get(f"/admin/flags/flagchange/{newest.pk}/change/"))
    assert "- &quot;rollout&quot;: &quot;10&quot;" in page
    assert "+ &quot;rollout&quot;: &quot;50&quot;" in page
    act(admin, "/admin/flags/flagchange/", "revert", before, confirmed="1")
    assert FlagRules.objects.get().strategies == [share("10")]


def test_an_answer_is_explained_for_a_person(
    admin: ApiClient, user: User, acme: Organization
) -> None:  # FLG 35
    flag = make_flag(strategies=[share("0")], allowed={"role": ["owner"]})
    path = f"{FLAGS}{flag.pk}/explain/"

    assert "Address of an account" in text(admin.get(path))
    page = text(admin.get(f"{path}?email={user.email}&organization=acme"))
    assert "lamp is on (TARGETING_MATCH)" in page
    assert "lamp is off" in text(admin.get(f"{path}?email={user.email}"))
    assert "no account" in text(admin.get(f"{path}?email=nobody@example.com"))
