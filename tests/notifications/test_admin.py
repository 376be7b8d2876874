"""What staff see and do."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from core.admin import EstimatingPaginator
from core.jobs.rows import execute
from notifications.models import Broadcast, Delivery, Notification, Preference
from organizations.models import Organization
from tests.bounds import faults
from tests.conftest import make_user
from tests.notifications.told import tell

HOME = "/admin/notifications"
FILL = """
INSERT INTO notifications_notification (id, user_id, organization_id, kind, type, title, body,
    actions, metadata, payload_version, actor_ids, dedupe_key, group_key, group_count,
    is_group_open, is_listed, mail, created_at)
SELECT gen_random_uuid(), %(user)s, NULL, 'build.finished', 'info', 'x', '', '[]', '{}', 1, '{}',
    '', '', 1, false, true, 'none', now() - n * interval '1 minute'
FROM generate_series(1, 12000) n
"""


@pytest.fixture
def staff(db: None) -> Client:
    boss = make_user("boss@example.com", staff=True)
    User.objects.filter(pk=boss.pk).update(is_superuser=True)
    boss.refresh_from_db()
    client = Client()
    client.force_login(boss)
    return client


def compose(staff: Client, **fields: Any) -> Any:
    said = {"type": "info", "title": "We move", "body": "On <b>Monday</b>.", "organization": ""}
    return staff.post(f"{HOME}/broadcast/add/", {**said, **fields})


def test_a_notification_shows_nothing_of_what_it_says(staff: Client, user: User) -> None:
    row = tell(user, "Between us", body="A secret", metadata={"a": "mauve"})

    for page in (f"{HOME}/notification/", f"{HOME}/notification/{row.pk}/change/"):
        text = staff.get(page).content.decode()
        assert user.email in text
        assert not any(word in text for word in ("Between us", "A secret", "mauve"))


def test_it_is_composed_seen_and_sent(staff: Client, acme: Organization) -> None:
    assert "See how it reads" in staff.get(f"{HOME}/broadcast/add/").content.decode()

    preview = compose(staff, organization="acme").content.decode()
    assert "Everybody in Acme" in preview
    assert "On &lt;b&gt;Monday&lt;/b&gt;." in preview
    assert not Broadcast.objects.exists()
    again = compose(staff, organization="acme", change="1").content.decode()
    assert "See how it reads" in again
    answer = compose(staff, organization="acme", confirmed="1")

    assert answer.status_code == 302
    sent = Broadcast.objects.get()
    assert (sent.organization, sent.title, sent.kind) == (acme, "We move", "message")


def test_an_empty_organization_is_everybody(staff: Client) -> None:
    assert "To: Everybody<" in compose(staff).content.decode()

    compose(staff, confirmed="1")

    assert (Broadcast.objects.get().organization, Broadcast.objects.get().kind) == (
        None, "announcement",
    )  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"organization": "nowhere"},
        {"title": ""},
        {"action_label": "Go"},
        {"action_label": "Go", "action_url": "javascript:alert(1)"},
    ],
)
def test_what_can_not_be_sent_is_not(staff: Client, fields: dict[str, str]) -> None:
    compose(staff, confirmed="1", **fields)

    assert not Broadcast.objects.exists()


def test_a_broadcast_is_recalled(staff: Client) -> None:
    compose(staff, confirmed="1")
    sent = Broadcast.objects.get()
    chosen = {"action": "recall", "_selected_action": str(sent.pk), "confirmed": "1"}

    staff.post(f"{HOME}/broadcast/", chosen)

    sent.refresh_from_db()
    assert sent.is_recalled


def test_lists_are_bounded(
    staff: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # PLT 22
    monkeypatch.setattr(EstimatingPaginator, "reach", 200)
    execute(FILL, user=user.pk)
    execute("ANALYZE notifications_notification")
    Preference.objects.add(user=user, kind="a.b", channel="email", enabled=True)
    Delivery.objects.put(user.pk, mails="never")

    pages = [
        *(f"{HOME}/{name}/" for name in ("notification", "broadcast", "preference", "delivery")),
        f"{HOME}/notification/?p=2",
        f"{HOME}/notification/?q={user.email}",
        f"{HOME}/notification/?q=nobody@example.com",
        f"{HOME}/preference/?q={user.email}",
        f"{HOME}/delivery/?q={user.email}",
        f"{HOME}/broadcast/?q=acme",
        *(f"{HOME}/broadcast/?recalled_at__isempty={value}" for value in "01"),
    ]
    assert {page: found for page in pages if (found := faults(staff, page))} == {}


def test_commands_tell_one(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("notify", user.email, "Hello", "--link", "/x", "--dry-run", "--json")
    assert not Notification.objects.exists()  # NTF 27
    assert '"told":true' in capsys.readouterr().out

    call_command("notify", user.email, "Hello", "--link", "/x")

    assert Notification.objects.get().actions == [{"label": "Open", "url": "/x"}]
    assert "is told" in capsys.readouterr().out


def test_commands_tell_many(acme: Organization, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("broadcast_notification", "We move", "--organization", "acme")
    call_command(*words, "--dry-run", "--json")
    assert not Broadcast.objects.exists()  # NTF 27
    assert '"people":1' in capsys.readouterr().out

    call_command(*words)
    call_command("broadcast_notification", "We move", "--everybody", "--yes")

    assert {sent.organization_id for sent in Broadcast.objects.all()} == {acme.pk, None}


def test_digests_by_hand(user: User, capsys: pytest.CaptureFixture[str]) -> None:
    Delivery.objects.put(user.pk, mails="daily", next_digest_at=user.created_at)

    call_command("send_digests", "--dry-run")
    assert "1 digests are due" in capsys.readouterr().out
    call_command("send_digests", "--json")

    assert '"digests":1' in capsys.readouterr().out
    call_command("send_digests", "--json")
    assert '"digests":0' in capsys.readouterr().out
