from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, transaction
from django.db.models import Count

from accounts.models import User
from core.errors import NotFoundError
from core.models import new_id

Narrow = Callable[[Any], Any]


def test_an_absent_row_is_not_found(db: None) -> None:
    with pytest.raises(NotFoundError):
        User.objects.by_id(uuid4())


def test_finding_nothing_is_normal(db: None) -> None:
    assert User.objects.find(uuid4()) is None


def test_changing_writes_the_named_fields_alone(user: User) -> None:
    User.objects.filter(pk=user.pk).update(language="fr")
    before = user.updated_at

    User.objects.change(user, full_name="Other Name")

    user.refresh_from_db()
    assert (user.full_name, user.language) == ("Other Name", "fr")
    assert user.updated_at > before


def test_removing_removes(user: User) -> None:
    User.objects.remove(user)

    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
async def test_coroutines_read_too() -> None:
    made = await sync_to_async(User.objects.add)(email="a@example.com", email_normalized="a@b.c")

    assert await User.objects.aby_id(made.pk) == made
    assert await User.objects.afind(uuid4()) is None
    with pytest.raises(NotFoundError):
        await User.objects.aby_id(uuid4())


def test_a_lock_lets_others_refer_to_the_row(user: User) -> None:
    with transaction.atomic(), connection.execute_wrapper(recorded := Recorder()):
        User.objects.locked().by_id(user.pk)

    assert "FOR NO KEY UPDATE OF" in recorded.statements[-1]


@pytest.mark.parametrize(
    "narrowed",
    [
        lambda users: users,
        lambda users: users.filter(email__startswith="a"),
        lambda users: users.order_by("-created_at"),
        lambda users: users.rows(["id", "email"]),
        lambda users: users.none(),
        lambda users: users[1:],
        lambda users: users.values("language").distinct(),
        lambda users: users.values("language").annotate(n=Count("pk")).filter(n__gt=1),
        lambda users: users.union(User.objects.all()),
        lambda users: users.filter(email__in=User.objects.values("email")[:1]),
    ],
)
def test_counting_counts_what_would_be_read(db: None, narrowed: Narrow) -> None:
    for name in ("a1", "a2", "b1"):
        User.objects.add(email=f"{name}@example.com", email_normalized=f"{name}@example.com")

    assert narrowed(User.objects.all()).count() == len(narrowed(User.objects.all()))


class Recorder:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute, sql, params, many, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        self.statements.append(sql)
        return execute(sql, params, many, context)


def test_ids_are_ordered_by_time() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(ids)
    assert {made.version for made in ids} == {7}
