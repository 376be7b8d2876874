from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import transaction

from accounts.models import User
from core import events
from core.events import on, on_committed, on_many, publish, publish_all
from tests.conftest import make_user


@dataclass(frozen=True)
class LampLit:
    room: str


@pytest.fixture(autouse=True)
def no_listeners() -> Iterator[None]:
    yield
    events._handlers.pop(LampLit, None)
    events._handlers_of_many.pop(LampLit, None)
    events._committed_handlers.pop(LampLit, None)


def test_a_listener_hears_the_event() -> None:
    heard: list[LampLit] = []
    on(LampLit)(heard.append)

    publish(LampLit("kitchen"))

    assert heard == [LampLit("kitchen")]


@pytest.mark.django_db(transaction=True)
def test_a_listener_inside_the_transaction_may_veto() -> None:
    @on(LampLit)
    def refuse(event: LampLit) -> None:
        raise RuntimeError("no")

    @transaction.atomic
    def light() -> None:
        make_user("uma@example.com")
        publish(LampLit("kitchen"))

    with pytest.raises(RuntimeError):
        light()

    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_after_the_commit_means_after_it_and_never_for_a_rollback() -> None:
    heard: list[str] = []

    @on_committed(LampLit)
    def note(event: LampLit) -> None:
        heard.append(f"{event.room} with {User.objects.count()} user")

    with transaction.atomic():
        publish(LampLit("cellar"))
        transaction.set_rollback(True)
    with transaction.atomic():
        publish(LampLit("kitchen"))
        make_user("uma@example.com")
        assert heard == []

    assert heard == ["kitchen with 1 user"]


@pytest.mark.django_db(transaction=True)
def test_a_broken_listener_keeps_the_event_from_no_other() -> None:
    heard: list[LampLit] = []

    @on_committed(LampLit)
    def broken(event: LampLit) -> None:
        raise RuntimeError("broken")

    on_committed(LampLit)(heard.append)

    publish(LampLit("kitchen"))

    assert heard == [LampLit("kitchen")]


def test_many_are_told_of_at_once_to_those_who_take_many() -> None:
    lamps = [LampLit("hall"), LampLit("attic")]
    one_by_one: list[LampLit] = []
    together: list[object] = []
    on(LampLit)(one_by_one.append)
    on_many(LampLit)(together.append)

    publish_all(lamps)
    publish_all([])
    publish(LampLit("porch"))

    assert one_by_one == [*lamps, LampLit("porch")]
    assert together == [lamps, [LampLit("porch")]]
