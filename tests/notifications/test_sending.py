"""Telling people: who is told, once, and how it is put together."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import activation
from core.errors import InvalidError
from notifications import kinds
from notifications.events import NotificationsArrived
from notifications.kinds import Kind
from notifications.messages import Message
from notifications.models import Notification, Preference
from notifications.services import grouping, sending
from organizations.models import Organization
from organizations.services import lifecycle
from tests.client import ApiClient
from tests.conftest import make_user
from tests.notifications.told import PATH, patch, tell, tell_all, titles, unread
from tests.tenants import join, published

LIKED = Kind(
    "post.liked",
    "Somebody liked your post",
    title="{actor} liked {post}",
    group_title="{actor} like {post} ({count})",
    schema={"type": "object", "properties": {"post": {"type": "string"}}, "required": ["post"]},
    link="/posts/{post}",
)


@pytest.fixture
def liked(monkeypatch: pytest.MonkeyPatch) -> Kind:
    return register(monkeypatch, LIKED)


def register(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> Kind:
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    kinds.register(kind)
    return kind


def like(author: User, by: User, post: str = "lamp", **fields: Any) -> tuple[Any, ...]:
    message = Message(
        "post.liked",
        metadata={"post": post},
        actor_id=by.pk,
        dedupe_key=f"{post}:{by.pk}",
        **fields,
    )
    return sending.notify(message, user_ids=[author.pk], now=timezone.now())


def only(api: ApiClient) -> dict[str, Any]:
    (item,) = api.read(PATH)["items"]
    return dict(item)


def test_the_same_is_told_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:  # NTF 1
    heard = published(monkeypatch, NotificationsArrived)

    first = tell_all([user], dedupe_key="build 7")
    again = tell_all([user], "Other words", dedupe_key="build 7")

    assert (len(first), again) == (1, ())
    assert len(heard) == 1
    assert tell_all([user], dedupe_key="build 7", kind="build.failed") != ()


def test_a_rollback_leaves_nothing(user: User) -> None:  # NTF 2
    with transaction.atomic():
        tell(user)
        transaction.set_rollback(True)

    assert not Notification.objects.exists()


def test_who_does_not_belong_is_told_nothing(
    user: User, stranger: User, acme: Organization
) -> None:  # NTF 3
    ids = tell_all([user, stranger], organization_id=acme.pk)

    assert [row.user_id for row in Notification.objects.among(ids)] == [user.pk]


def test_who_may_not_know_of_it_is_told_nothing(
    user: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 3
    register(monkeypatch, Kind("secret.shared", "x", audience=lambda _, ids: {user.pk} & set(ids)))

    ids = tell_all([user, stranger], kind="secret.shared")

    assert [row.user_id for row in Notification.objects.among(ids)] == [user.pk]


def test_who_is_deactivated_is_told_nothing(user: User) -> None:  # NTF 26
    activation.deactivate(user_ids=[user.pk], now=timezone.now())

    assert tell_all([user]) == ()


def test_who_did_it_is_not_told(liked: Kind, user: User) -> None:  # NTF 23
    assert like(user, user) == ()
    assert len(tell_all([user], actor_id=user.pk)) == 1  # an ordinary message to oneself


@pytest.mark.parametrize(
    "message",
    [
        Message("post.liked"),
        Message("post.liked", metadata={"post": 7}),
        Message("nothing.said"),
        Message("No Name", title="x"),
        Message("a.b", title="x", type="loud"),
        Message("a.b", title="nul \0"),
        Message("a.b", title="x", metadata={"a": object()}),
    ],
)
def test_what_does_not_fit_is_refused(liked: Kind, user: User, message: Message) -> None:
    with pytest.raises(InvalidError):  # NTF 20
        sending.notify(message, user_ids=[user.pk], now=timezone.now())

    assert not Notification.objects.exists()


def test_a_kinds_texts_are_filled_when_somebody_looks(
    liked: Kind, api: ApiClient, user: User, stranger: User
) -> None:  # NTF 24
    like(user, stranger)
    assert only(api)["title"] == "Uma User liked lamp"

    User.objects.filter(pk=stranger.pk).update(full_name="Sam")

    item = only(api)
    assert item["title"] == "Sam liked lamp"
    assert item["actions"] == [{"label": "Open", "url": "/posts/lamp"}]
    assert titles(api, "?search=uma") == ["Sam liked lamp"]


def test_who_is_gone_is_a_former_member(
    liked: Kind, api: ApiClient, user: User, stranger: User
) -> None:  # NTF 22
    like(user, stranger)

    stranger.delete()

    assert only(api)["title"] == "Former member liked lamp"


def test_forty_likes_are_one_row(
    liked: Kind, api: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 17
    people = [make_user(f"p{n}@example.com") for n in range(5)]
    for number, person in enumerate(people):
        User.objects.filter(pk=person.pk).update(full_name=f"P{number}")
        like(user, person, group_key="likes of lamp")
    like(user, people[0], group_key="likes of lamp")  # once more

    item = only(api)

    assert item["group_count"] == 5
    assert item["title"] == "P4, P3 and 3 others like lamp (5)"
    assert unread(api) == 1


def test_a_group_comes_to_the_front_unread(
    liked: Kind, api: ApiClient, user: User, stranger: User
) -> None:  # NTF 17
    (pk,) = like(user, stranger, group_key="likes")
    patch(api, Notification.objects.by_id(pk), is_read=True)
    tell(user, "Between")
    other = make_user("other@example.com")

    assert like(user, other, group_key="likes") == (pk,)

    first = api.read(PATH)["items"][0]
    assert (first["id"], first["is_read"], first["seen_at"]) == (str(pk), False, None)


def test_what_two_organizations_say_is_two_rows(
    liked: Kind, api: ApiClient, user: User, acme: Organization, stranger: User
) -> None:
    globex = lifecycle.create(owner=stranger, name="Globex", now=timezone.now())
    join(globex, user, "member")
    places = [acme.pk, globex.pk, None]
    for number, place in enumerate([*places, *places]):
        fan = make_user(f"p{number}@example.com")
        like(user, fan, group_key="likes", organization_id=place)

    items = [item for item in api.read(PATH)["items"] if item["kind"] == "post.liked"]

    found = {item["organization"]: item["group_count"] for item in items}
    assert found == {str(acme.pk): 2, str(globex.pk): 2, None: 2}


def test_an_undone_like_counts_no_more(
    liked: Kind, api: ApiClient, user: User, stranger: User
) -> None:  # NTF 17
    other = make_user("other@example.com")
    for person in (stranger, other):
        like(user, person, group_key="likes")

    def undo(person: User) -> None:
        key = f"lamp:{person.pk}"
        grouping.withdraw(group_key="likes", dedupe_key=key, user_ids=[user.pk], now=timezone.now())

    undo(other)
    undo(other)
    assert (only(api)["group_count"], only(api)["title"]) == (1, "Uma User liked lamp")
    undo(stranger)

    assert (titles(api), unread(api)) == ([], 0)


def test_an_old_group_is_closed(liked: Kind, user: User, stranger: User) -> None:
    (first,) = like(user, stranger, group_key="likes")
    before = timezone.now() - timedelta(hours=2)
    Notification.objects.filter(pk=first).update(created_at=before)

    (second,) = like(user, make_user("other@example.com"), group_key="likes")

    assert first != second


def test_too_many_collapse_into_one(
    api: ApiClient, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 29
    register(monkeypatch, Kind("build.finished", "x", most_a_minute=3))
    for number in range(10):
        tell_all([user], str(number), dedupe_key=str(number))
    tell_all([user], "9", dedupe_key="9")

    items = api.read(PATH)["items"]

    assert [item["group_count"] for item in items] == [7, 1, 1, 1]
    assert items[0]["title"] == "9"
    assert unread(api) == 4


def test_a_kind_that_is_gone_reads_as_it_did(
    liked: Kind, api: ApiClient, user: User, stranger: User
) -> None:  # NTF 21
    like(user, stranger)
    del kinds._kinds["post.liked"]
    assert only(api)["title"] == "Uma User liked lamp"

    Notification.objects.update(title="", metadata={"odd": None})

    assert only(api)["title"] == "Notification"


def test_an_old_payload_is_upgraded(
    liked: Kind, api: ApiClient, user: User, stranger: User, monkeypatch: pytest.MonkeyPatch
) -> None:  # NTF 21
    like(user, stranger)
    register(
        monkeypatch,
        Kind(
            "post.liked", "x", title="{title}", version=2,
            upgrade=lambda metadata, version: {"title": metadata["post"].upper()},
        ),
    )  # fmt: skip

    assert (only(api)["title"], only(api)["metadata"]) == ("LAMP", {"title": "LAMP"})


def test_off_in_the_app_is_neither_listed_nor_counted(api: ApiClient, user: User) -> None:
    Preference.objects.add(user=user, kind="build.finished", channel="in_app", enabled=False)

    ids = tell_all([user])  # NTF 13

    assert len(ids) == 1  # for the push
    assert (titles(api), unread(api)) == ([], 0)


def test_all_channels_off_is_no_row(user: User) -> None:  # NTF 13
    for channel in ("in_app", "push"):
        Preference.objects.add(user=user, kind="build.finished", channel=channel, enabled=False)

    assert tell_all([user]) == ()
    assert not Notification.objects.exists()
