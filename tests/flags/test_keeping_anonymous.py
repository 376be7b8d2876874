"""`persist_anonymous`: people keep what they were answered before they signed in (FLG 7)."""

from typing import Any

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import flags
from accounts.models import User
from flags import explaining, people, snapshots
from flags.kept.services import keep_anonymous
from flags.models import Assignment
from flags.services import definitions, rules
from organizations.models import Organization
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.tenants import signed_in

pytestmark = pytest.mark.django_db
FLAGS = "/api/v1/flags"
MARKED = {"persist_anonymous": True, "is_client_visible": True}


@pytest.fixture
def half() -> None:
    make_flag(strategies=[share("50")], settings=MARKED)


@pytest.fixture
def user(half: None) -> User:
    """Somebody whom the percentage does not hold."""
    for number in range(100):
        user = make_user(f"u{number}@example.com")
        if not flags.is_enabled("lamp", user=user):
            return user
    raise AssertionError("the percentage holds everybody")


def visitor(*, on: bool) -> str:
    """Return an anonymous key that is answered so."""
    return next(
        key
        for number in range(100)
        if flags.is_enabled("lamp", sessionId=(key := f"visitor {number}")) is on
    )


def again(user: User) -> User:
    """Return the person as another request, or another device, loads them."""
    return User.objects.by_id(user.pk)


def test_what_a_visitor_got_is_kept_on_every_device(user: User) -> None:  # FLG 7
    keep_anonymous(user=user, anonymous_key=visitor(on=True), now=timezone.now())

    assert flags.is_enabled("lamp", user=user)
    assert flags.is_enabled("lamp", user=again(user))
    assert flags.answer("lamp", user=again(user)).enabled
    assert not flags.is_enabled("lamp", userId=str(user.pk))  # the percentage alone


def test_the_first_device_counts(user: User) -> None:  # FLG 7
    keep_anonymous(user=user, anonymous_key=visitor(on=True), now=timezone.now())
    keep_anonymous(user=user, anonymous_key=visitor(on=False), now=timezone.now())

    assert Assignment.objects.count() == 1
    assert flags.is_enabled("lamp", user=again(user))


def test_off_is_kept_too_until_the_flag_is_on_for_everybody(user: User) -> None:  # FLG 7
    keep_anonymous(user=user, anonymous_key=visitor(on=False), now=timezone.now())
    change_rules(strategies=[share("99.999")])
    assert not flags.is_enabled("lamp", user=again(user))

    change_rules(strategies=[share("100")])
    snapshots.refresh("production")
    assert flags.is_enabled("lamp", user=again(user))


def test_without_the_mark_nothing_is_kept(user: User) -> None:  # FLG 7
    definitions.change(name="lamp", author=AUTHOR, now=timezone.now(), persist_anonymous=False)
    snapshots.refresh("production")
    key = visitor(on=True)
    keep_anonymous(user=user, anonymous_key=key, now=timezone.now())

    assert not Assignment.objects.exists()
    assert not flags.is_enabled("lamp", user=again(user))


def test_what_decides_before_percentages_still_does(user: User) -> None:  # FLG 7, 8
    keep_anonymous(user=user, anonymous_key=visitor(on=True), now=timezone.now())
    change_rules(denied={"userId": [str(user.pk)]})
    snapshots.refresh("production")
    assert not flags.is_enabled("lamp", user=again(user))

    change_rules(denied={})
    rules.kill(name="lamp", author=AUTHOR, now=timezone.now())
    snapshots.refresh("production")
    assert not flags.is_enabled("lamp", user=again(user))


def test_the_variant_is_kept(half: None) -> None:  # FLG 7
    shares = [{"name": name, "weight": 50, "stickiness": "default"} for name in ("red", "blue")]
    change_rules(strategies=[share("99.999", variants=shares)])
    snapshots.refresh("production")
    user = make_user("variant@example.com")
    own = flags.variant("lamp", user=user).name
    key = next(
        key
        for number in range(100)
        if flags.variant("lamp", sessionId=(key := f"visitor {number}")).name not in {own, None}
    )
    keep_anonymous(user=user, anonymous_key=key, now=timezone.now())

    assert flags.variant("lamp", user=again(user)).name not in {own, None}
    change_rules(strategies=[share("99.999", variants=[shares[own == "blue"]])])
    snapshots.refresh("production")
    assert flags.variant("lamp", user=again(user)).name is not None  # the other one is gone


def test_it_costs_one_query_a_request_and_none_for_other_flags(user: User) -> None:  # FLG 24
    make_flag("other", strategies=[share("50")])
    snapshots.refresh("production")
    someone = again(user)

    with CaptureQueriesContext(connection) as asked:
        flags.is_enabled("other", user=someone)
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            flags.is_enabled("lamp", user=someone)
    assert len(asked) == 1


def test_coroutines_know_it_as_well(user: User) -> None:  # FLG 7
    keep_anonymous(user=user, anonymous_key=visitor(on=True), now=timezone.now())

    assert async_to_sync(flags.ais_enabled)("lamp", user=again(user))

    async def without_waiting() -> bool:
        return flags.is_enabled("lamp", user=again_sync)

    again_sync = again(user)
    assert not async_to_sync(without_waiting)()  # a loop never waits for the database


def test_a_database_that_is_away_costs_the_assignment_alone(
    user: User,
) -> None:  # FLG 21
    keep_anonymous(user=user, anonymous_key=visitor(on=True), now=timezone.now())
    someone = again(user)

    with connection.execute_wrapper(_away):
        assert not flags.is_enabled("lamp", user=someone)
    assert flags.is_enabled("lamp", user=someone)


def _away(*args: Any) -> Any:
    raise OperationalError("the database is away")


def test_a_client_tells_who_it_was(user: User) -> None:  # FLG 7
    key, api = visitor(on=True), signed_in(user)
    before = api.send("GET", FLAGS)["ETag"]

    answer = api.send("POST", f"{FLAGS}/anonymous", {"anonymous_key": key})

    assert answer.status_code == 200
    kept = {"enabled": True, "variant": None, "payload": None, "reason": "SPLIT"}
    assert orjson.loads(answer.content)["flags"] == {"lamp": kept}
    after = api.send("GET", FLAGS, if_none_match=before)
    assert after.status_code == 200
    assert orjson.loads(after.content)["flags"] == {"lamp": kept}


@pytest.mark.parametrize("body", [{}, {"anonymous_key": ""}, {"anonymous_key": "x", "odd": 1}])
def test_a_body_that_is_wrong_is_refused(user: User, body: Any) -> None:
    assert signed_in(user).send("POST", f"{FLAGS}/anonymous", body).status_code == 400
    assert not Assignment.objects.exists()


def test_an_organization_of_others_is_not_found(user: User, globex: Organization) -> None:
    body = {"anonymous_key": visitor(on=True), "organization": str(globex.pk)}

    assert signed_in(user).send("POST", f"{FLAGS}/anonymous", body).status_code == 404
    assert not Assignment.objects.exists()


def test_nobody_can_claim_an_assignment(user: User) -> None:  # FLG 27
    context = {"targetingKey": "x", "assigned:lamp": "1"}
    answer = signed_in(user).send("POST", "/ofrep/v1/evaluate/flags/lamp", {"context": context})

    assert orjson.loads(answer.content)["value"] is False


def test_it_is_explained(user: User) -> None:  # FLG 35
    keep_anonymous(user=user, anonymous_key=visitor(on=True), now=timezone.now())
    found = snapshots.current("production")
    assert found is not None

    told = explaining.explain(found, "lamp", people.subject_of(user.email, ""))

    assert told["enabled"] is True
    (kept,) = [each for each in told["steps"] if each["step"] == "has kept an answer"]
    assert kept["detail"] == "on, from before they signed in"
