"""Telling many: who gets it, when, and what it costs."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from core.jobs.rows import execute
from notifications import tasks
from notifications.messages import Message
from notifications.models import Broadcast, Inbox, Notification
from notifications.services import broadcasting
from organizations.models import Organization
from organizations.services import lifecycle, members
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.mails import queued
from tests.notifications.told import COUNT, PATH, patch, titles, unread
from tests.organizations.test_purge import ADD_MEMBERS
from tests.tenants import join, person, signed_in

ALL = {"title": "The house is open", "body": "On Saturday.", "all": True}


def place(organization: Organization) -> str:
    return f"/api/v1/organizations/{organization.pk}"


def send(api: ApiClient, organization: Organization, **body: Any) -> Any:
    return api.send("POST", f"{place(organization)}/notifications", body)


def broadcast(organization: Organization | None, title: str = "News", **fields: Any) -> Broadcast:
    options = {k: fields.pop(k) for k in ("include_later_joiners", "recipients") if k in fields}
    message = Message(
        "message", title=title, organization_id=organization.pk if organization else None, **fields
    )
    return broadcasting.broadcast(message, now=timezone.now(), **options)


def news(api: ApiClient, query: str = "") -> list[str]:
    """Return what came by broadcasts alone: joining tells people something, too."""
    items = api.read(f"{PATH}{query}")["items"]
    return [item["title"] for item in items if item["kind"] in {"message", "announcement"}]


def test_all_members_get_it_and_nobody_else(
    api: ApiClient, acme: Organization, stranger: User
) -> None:
    member = person(acme, "viewer")

    answer = send(api, acme, **ALL)

    assert answer.status_code == 202
    assert Notification.objects.filter(kind="message").count() == 0
    assert news(signed_in(member)) == ["The house is open"]
    assert news(api) == ["The house is open"]
    assert news(signed_in(stranger)) == []
    row = Notification.objects.filter(user=member, kind="message").get()
    assert row.created_at == Broadcast.objects.get().created_at


def test_a_count_gives_it_too_and_a_second_look_nothing_more(
    api: ApiClient, acme: Organization, user: User
) -> None:
    before = api.read(COUNT)
    broadcast(acme)

    after = api.read(COUNT)

    assert after["count"] == before["count"] + 1
    assert after["version"] > before["version"]
    assert api.read(COUNT) == after
    assert news(api) == news(api) == ["News"]


def test_it_costs_no_row_a_member(acme: Organization, api: ApiClient) -> None:  # NTF 10
    execute(ADD_MEMBERS, organization=acme.pk, rows=3_000)

    with CaptureQueriesContext(connection) as captured:
        assert send(api, acme, **ALL).status_code == 202

    assert len(captured) < 25
    assert Notification.objects.filter(kind="message").count() == 0


def test_who_joins_later_does_not_see_it_unless_asked(acme: Organization) -> None:  # NTF 10
    broadcast(acme, "For those who are here")
    broadcast(acme, "For everybody", include_later_joiners=True)

    late = person(acme, "member")

    assert news(signed_in(late)) == ["For everybody"]


def test_who_was_delivered_before_and_joins_now_gets_what_asks_for_it(
    acme: Organization, stranger: User
) -> None:
    broadcast(acme, "For everybody", include_later_joiners=True)
    client = signed_in(stranger)
    broadcast(None, "For the world")
    assert news(client) == ["For the world"]
    assert Inbox.objects.get(user=stranger).delivered == Broadcast.objects.last_sequence()

    join(acme, stranger, "member")

    assert news(client) == ["For the world", "For everybody"]


def test_who_leaves_loses_it_and_who_comes_back_has_it(acme: Organization) -> None:  # NTF 3, 10
    member = person(acme, "member")
    client = signed_in(member)
    broadcast(acme)
    assert (news(client), unread(client)) == (["News"], 2)

    members.suspend(organization_id=acme.pk, actor_id=None, user_id=member.pk, now=timezone.now())
    assert news(client) == []
    assert unread(client, f"?organization={acme.pk}") == 0
    members.reinstate(organization_id=acme.pk, actor_id=None, user_id=member.pk)

    assert news(client) == ["News"]


def test_who_was_away_when_it_came_gets_it_on_return(acme: Organization) -> None:
    member = person(acme, "member")
    client = signed_in(member)
    members.suspend(organization_id=acme.pk, actor_id=None, user_id=member.pk, now=timezone.now())
    broadcast(acme)
    broadcast(None, "For the world")
    assert news(client) == ["For the world"]

    members.reinstate(organization_id=acme.pk, actor_id=None, user_id=member.pk)

    assert news(client) == ["For the world", "News"]


def test_a_deleted_organization_says_nothing(api: ApiClient, acme: Organization) -> None:
    broadcast(acme)
    assert unread(api, f"?organization={acme.pk}") == 1

    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=timezone.now())
    assert (news(api), unread(api, f"?organization={acme.pk}")) == ([], 0)
    lifecycle.restore(organization_id=acme.pk, now=timezone.now())

    assert news(api) == ["News"]


def test_a_version_follows_when_an_organization_goes(api: ApiClient, acme: Organization) -> None:
    before = api.read(COUNT)["version"]
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=timezone.now())

    (waiting,) = queued(tasks.refresh_inboxes.name)
    tasks.refresh_inboxes(**waiting)

    assert api.read(COUNT)["version"] > before


def test_one_to_everybody_is_not_for_accounts_of_later(user: User) -> None:  # NTF 11
    broadcast(None, "Hello, world")
    broadcast(None, "Rules of the house", include_later_joiners=True)

    newcomer = make_user("new@example.com")

    assert news(signed_in(user)) == ["Rules of the house", "Hello, world"]
    assert news(signed_in(newcomer)) == ["Rules of the house"]


def test_each_reads_for_themselves(api: ApiClient, acme: Organization) -> None:  # NTF 10
    member = signed_in(person(acme, "member"))
    broadcast(acme)
    news(api)
    mine = Notification.objects.get(kind="message")

    patch(api, mine, is_read=True)

    assert news(api, "?is_read=false") == []
    assert news(member, "?is_read=false") == ["News"]


def test_a_deleted_one_does_not_come_back(api: ApiClient, acme: Organization, user: User) -> None:
    broadcast(acme)
    news(api)
    row = Notification.objects.get(kind="message")

    api.send("DELETE", f"{PATH}/{row.pk}")
    Inbox.objects.filter(user=user).update(delivered=0)

    assert news(api) == []


def test_an_edit_reaches_who_has_not_read_it(api: ApiClient, acme: Organization) -> None:  # NTF 10
    reader, looker, sleeper = (
        signed_in(person(acme, "member", email=f"{name}@example.com")) for name in "abc"
    )
    sent = orjson.loads(send(api, acme, **ALL).content)
    for client in (reader, looker):
        (row,) = [i for i in client.read(PATH)["items"] if i["kind"] == "message"]
        if client is reader:
            client.send("PATCH", f"{PATH}/{row['id']}", {"is_read": True})

    answer = api.send("PATCH", f"{place(acme)}/broadcasts/{sent['id']}", {"title": "On Sunday"})

    assert answer.status_code == 200
    assert orjson.loads(answer.content)["title"] == "On Sunday"
    assert [news(client) for client in (reader, looker, sleeper)] == [
        ["The house is open"], ["On Sunday"], ["On Sunday"],
    ]  # fmt: skip


def test_a_recall_reaches_who_has_not_read_it(api: ApiClient, acme: Organization) -> None:
    reader, looker, sleeper = (  # NTF 10
        signed_in(person(acme, "member", email=f"{name}@example.com")) for name in "abc"
    )
    sent = orjson.loads(send(api, acme, **ALL).content)
    for client in (reader, looker):
        (row,) = [i for i in client.read(PATH)["items"] if i["kind"] == "message"]
        if client is reader:
            client.send("PATCH", f"{PATH}/{row['id']}", {"is_read": True})
    before = looker.read(COUNT)

    assert api.send("DELETE", f"{place(acme)}/broadcasts/{sent['id']}").status_code == 204

    assert [news(client) for client in (reader, looker, sleeper)] == [
        ["The house is open"], [], [],
    ]  # fmt: skip
    after = looker.read(COUNT)
    assert (after["count"], after["version"] > before["version"]) == (before["count"] - 1, True)
    shown = api.read(f"{place(acme)}/broadcasts/{sent['id']}")
    assert shown["recalled_at"] is not None


def test_a_large_edit_is_finished_by_a_job(
    monkeypatch: pytest.MonkeyPatch, acme: Organization
) -> None:
    monkeypatch.setattr(broadcasting, "FEW", 2)
    sent = broadcast(acme)
    people = [person(acme, "member", email=f"m{n}@example.com") for n in range(5)]
    for each in people:
        join_before(each, acme)
        news(signed_in(each))

    broadcasting.recall(broadcast_id=sent.pk, actor_id=None, now=timezone.now())
    left = Notification.objects.of_broadcast(sent.pk).listed().count()
    (waiting,) = queued(tasks.spread_broadcast.name)
    tasks.spread_broadcast(**waiting)

    assert left == 3
    assert Notification.objects.of_broadcast(sent.pk).listed().count() == 0


def join_before(user: User, organization: Organization) -> None:
    from organizations.models import Membership

    earlier = timezone.now() - timedelta(days=1)
    Membership.objects.filter(user=user, organization=organization).update(joined_at=earlier)


def test_as_many_as_a_hundred_get_theirs_at_once(api: ApiClient, acme: Organization) -> None:
    member = person(acme, "member")

    answer = send(api, acme, title="For you", user_ids=[str(member.pk)])

    assert answer.status_code == 201
    assert orjson.loads(answer.content) == {"id": None, "sent": 1, "ignored": []}
    assert news(signed_in(member)) == ["For you"]


def test_strangers_are_told_nothing(  # NTF 3
    api: ApiClient, acme: Organization, stranger: User, user: User
) -> None:
    answer = send(api, acme, title="Psst", user_ids=[str(stranger.pk), str(user.pk)])

    assert orjson.loads(answer.content) == {"id": None, "sent": 1, "ignored": [str(stranger.pk)]}
    assert titles(signed_in(stranger)) == []


def test_more_than_a_hundred_get_theirs_from_jobs(api: ApiClient, acme: Organization) -> None:
    execute(ADD_MEMBERS, organization=acme.pk, rows=600)
    people = [str(pk) for pk in User.objects.filter(email__startswith="m").ids()]

    answer = send(api, acme, title="For you", user_ids=people)
    jobs = queued(tasks.deliver_broadcast.name)
    for arguments in [*jobs, *jobs]:  # twice does no harm
        tasks.deliver_broadcast(**arguments)

    assert answer.status_code == 202
    assert len(jobs) == 2
    assert Notification.objects.filter(kind="message").count() == 600
    assert news(api) == []


@pytest.mark.parametrize(("role", "status"), [("admin", 202), ("member", 403), ("viewer", 403)])
def test_admins_send(acme: Organization, role: str, status: int) -> None:
    assert send(signed_in(person(acme, role)), acme, **ALL).status_code == status


def test_broadcasts_of_others_are_not_there(
    api: ApiClient, acme: Organization, globex: Organization
) -> None:
    theirs = broadcast(globex)

    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        answer = api.send(method, f"{place(acme)}/broadcasts/{theirs.pk}", body)
        assert problem(answer)["code"] == "not_found"
    theirs.refresh_from_db()
    assert (theirs.title, theirs.recalled_at) == ("News", None)


@pytest.mark.parametrize(
    "body",
    [
        {"title": "x"},
        {"title": "x", "all": False},
        {"title": "x", "all": True, "user_ids": []},
        {"title": "", "all": True},
        {"title": "x" * 201, "all": True},
        {"body": "x", "all": True},
        {"title": "x", "all": True, "type": "loud"},
        {"title": "x", "all": True, "kind": "account.password_changed"},
        {"title": "x", "all": True, "kind": "Not A Kind"},
        {"title": "x", "all": True, "metadata": {"a": "b" * 17_000}},
        {"title": "x", "all": True, "metadata": [1]},
        {"title": "x", "all": True, "actions": [{"label": "a", "url": "javascript:alert(1)"}]},
        {"title": "x", "all": True, "actions": [{"label": "", "url": "/"}]},
        {"title": "x", "all": True, "actions": [{"label": "a"}]},
        {"title": "x", "all": True, "actions": [{"label": "a", "url": "/", "x": 1}]},
        {"title": "x", "all": True, "actions": [{"label": "a", "url": "/"}] * 4},
        {"title": "x", "all": True, "loud": True},
        {"title": "x", "user_ids": ["me"]},
    ],
)
def test_what_can_not_be_sent(api: ApiClient, acme: Organization, body: dict[str, Any]) -> None:
    answer = send(api, acme, **body)

    assert problem(answer)["code"] == "validation_error"
    assert not Broadcast.objects.exists()
    assert not Notification.objects.exclude(kind="organization.joined").exists()


def test_an_edit_is_held_to_the_same_rules(api: ApiClient, acme: Organization) -> None:
    sent = broadcast(acme)

    bad = {"actions": [{"label": "a", "url": "//evil.example"}]}
    answer = api.send("PATCH", f"{place(acme)}/broadcasts/{sent.pk}", bad)

    assert problem(answer)["code"] == "validation_error"
