"""Who gets a percentage changes by one explicit action alone."""

import json
from typing import Any

import pytest
from django.core.management import CommandError

import flags
from core.errors import ConflictError
from flags import snapshots
from flags.models import Flag, FlagChange, FlagRules
from flags.services import definitions, rules
from tests.client import ApiClient
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.flags.test_admin import act, form_of
from tests.flags.test_commands import said
from tests.flags.test_services import NOW
from tests.tenants import signed_in

pytestmark = pytest.mark.django_db


def lucky() -> set[int]:
    snapshots.refresh("production")
    return {n for n in range(400) if flags.is_enabled("lamp", sessionId=str(n))}


def group() -> Any:
    return FlagRules.objects.get().strategies[0]["parameters"]["groupId"]


def test_editing_deals_nobody_anew() -> None:  # FLG 5
    make_flag(strategies=[share("30")])
    before = lucky()

    definitions.change(name="lamp", author=AUTHOR, now=NOW, description="x", kind="experiment")
    change_rules(denied={"userId": ["mallory"]}, variants=[{"name": "a", "weight": 1}])
    rules.switch(name="lamp", enabled=False, author=AUTHOR, now=NOW)
    rules.switch(name="lamp", enabled=True, author=AUTHOR, now=NOW)
    rules.roll_out(name="lamp", percentage="30", author=AUTHOR, now=NOW)
    definitions.archive(name="lamp", author=AUTHOR, now=NOW)
    definitions.restore(name="lamp", author=AUTHOR, now=NOW)

    assert lucky() == before


def test_reshuffling_is_an_action_of_its_own() -> None:  # FLG 5
    flag = make_flag(
        strategies=[share("30"), {"name": "userWithId", "parameters": {"userIds": "x"}}]
    )
    before = lucky()
    client = signed_in(make_user("staff@example.com", staff=True))
    path = f"/api/v1/flags/definitions/{flag.pk}/environments/production/reshuffle"

    assert client.send("POST", path, {"reason": "a second round"}).status_code == 200

    after = lucky()
    assert before - after
    assert after - before
    entry = FlagChange.objects.order_by("-created_at", "-id")[0]
    assert (entry.action, entry.reason) == ("reshuffled", "a second round")
    assert entry.before["strategies"][0]["parameters"]["groupId"] == "lamp"
    assert FlagRules.objects.get().strategies[1]["parameters"] == {"userIds": "x"}
    rules.roll_out(name="lamp", percentage="40", author=AUTHOR, now=NOW)
    assert after <= lucky()


def test_who_has_a_reshuffled_flag_keeps_it_when_its_form_is_saved() -> None:  # FLG 2, 5
    make_flag(strategies=[share("30")])
    said("flag", "reshuffle", "lamp")
    before, name = lucky(), group()
    admin = ApiClient(HTTP_ACCEPT="text/html")
    admin.force_login(make_user("olga@example.com", staff=True))
    row = FlagRules.objects.get()

    body = form_of(row, percentage="40", strategies=json.dumps(row.strategies))
    assert admin.post(f"/admin/flags/flagrules/{row.pk}/change/", body).status_code == 302

    assert (group(), before <= lucky()) == (name, True)
    act(admin, "/admin/flags/flag/", "reshuffle", Flag.objects.get(), confirmed="1")
    assert group() != name


def test_what_has_no_percentage_is_refused() -> None:
    make_flag()

    with pytest.raises(ConflictError):
        rules.reshuffle(name="lamp", author=AUTHOR, now=NOW)
    with pytest.raises(CommandError, match="no percentage"):
        said("flag", "reshuffle", "lamp")
