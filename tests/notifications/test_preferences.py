"""What people choose, over HTTP."""

from typing import Any

import orjson
import pytest

from accounts.models import User
from notifications import kinds
from notifications.models import ChannelDefault, Preference
from organizations.models import Organization
from tests.client import ApiClient, problem
from tests.notifications.told import PATH, tell_all, titles
from tests.tenants import person, signed_in

PREFERENCES = f"{PATH}/preferences"
USUAL = {"mails": "at_once", "digest_hour": 8, "quiet_hours": None}


def choice(kind: str, channel: str, enabled: bool, organization: Any = None) -> dict[str, Any]:
    place = str(organization.pk) if organization else None
    return {"kind": kind, "channel": channel, "organization": place, "enabled": enabled}


def put(api: ApiClient, **body: Any) -> Any:
    return api.send("PUT", PREFERENCES, body)


def test_nobody_has_chosen_anything_at_first(api: ApiClient) -> None:
    assert api.read(PREFERENCES) == {"preferences": [], "delivery": USUAL}


def test_what_is_put_is_what_is_read(api: ApiClient, acme: Organization) -> None:
    chosen = [
        choice("message", "email", True),
        choice("message", "email", False, acme),
        choice("organization.joined", "push", False),
    ]
    delivery = {
        "mails": "weekly", "digest_hour": 7, "quiet_hours": {"start": "22:00", "end": "07:30"},
    }  # fmt: skip

    answer = put(api, preferences=chosen, delivery=delivery)

    assert answer.status_code == 200
    found = {"preferences": chosen, "delivery": delivery}
    assert orjson.loads(answer.content) == found
    assert api.read(PREFERENCES) == found
    assert put(api, **found).status_code == 200


def test_a_part_that_is_left_out_stays(api: ApiClient) -> None:
    put(api, preferences=[choice("message", "email", True)], delivery={"mails": "never"})

    put(api, preferences=[])
    assert api.read(PREFERENCES)["delivery"]["mails"] == "never"
    put(api, delivery={"mails": "daily"})

    assert api.read(PREFERENCES)["preferences"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"preferences": [choice("account.password_changed", "in_app", False)]},
         "/preferences/0/enabled"),
        ({"preferences": [choice("No Kind", "in_app", True)]}, "/preferences/0/kind"),
        ({"preferences": [choice("a.b", "smoke", True)]}, "/preferences/0/channel"),
        ({"preferences": [choice("a.b", "push", True)] * 2}, "/preferences/1"),
        ({"preferences": [{"kind": "a.b", "channel": "push"}]}, "/preferences/0/enabled"),
        ({"delivery": {"mails": "hourly"}}, "/delivery/mails"),
        ({"delivery": {"mails": "daily", "digest_hour": 24}}, "/delivery/digest_hour"),
        ({"delivery": {"mails": "daily", "quiet_hours": {"start": "22:00", "end": "22:00"}}},
         "/delivery/quiet_hours"),
        ({"delivery": {"mails": "daily", "quiet_hours": {"start": "24:00", "end": "1:00"}}},
         "/delivery/quiet_hours/start"),
        ({"kinds": []}, "/kinds"),
    ],
)  # fmt: skip
def test_what_can_not_be_chosen(api: ApiClient, body: dict[str, Any], pointer: str) -> None:
    answer = put(api, **body)  # NTF 12

    assert answer.status_code == 400
    assert pointer in [error["pointer"] for error in problem(answer)["errors"]]
    assert api.read(PREFERENCES) == {"preferences": [], "delivery": USUAL}


def test_a_required_kind_may_be_had_on_more_channels(api: ApiClient) -> None:
    chosen = [choice("account.password_changed", "email", True)]

    assert put(api, preferences=chosen).status_code == 200


def test_an_organization_of_others_is_none(api: ApiClient, globex: Organization) -> None:
    answer = put(api, preferences=[choice("message", "push", False, globex)])

    assert problem(answer)["errors"][0]["pointer"] == "/preferences/0/organization"


def test_a_choice_holds_at_once(api: ApiClient, user: User, acme: Organization) -> None:
    put(api, preferences=[choice("a.b", "in_app", False), choice("a.b", "in_app", True, acme)])

    tell_all([user], "Nowhere", kind="a.b")
    tell_all([user], "In Acme", kind="a.b", organization_id=acme.pk)

    assert [title for title in titles(api) if title in {"Nowhere", "In Acme"}] == ["In Acme"]


def test_the_kinds_are_listed(api: ApiClient) -> None:
    listed = {kind["name"]: kind for kind in api.read(f"{PATH}/kinds")["kinds"]}

    assert listed.keys() == {kind.name for kind in kinds.registered()}
    assert listed["account.password_changed"]["required"] is True
    assert listed["message"] == {
        "name": "message",
        "description": "A message from an admin of an organization",
        "type": "info",
        "channels": ["in_app", "push"],
        "required": False,
        "urgent": False,
    }


def test_an_organization_has_defaults(
    api: ApiClient, user: User, acme: Organization
) -> None:  # NTF 12
    path = f"/api/v1/organizations/{acme.pk}/notification-defaults"
    body = {"preferences": [{"kind": "a.b", "channel": "in_app", "enabled": False}]}

    assert orjson.loads(api.send("PUT", path, body).content) == body
    assert api.read(path) == body
    member = person(acme, "member")
    tell_all([member], "Hidden", kind="a.b", organization_id=acme.pk)
    tell_all([member], "Shown", kind="a.b")

    seen = titles(signed_in(member))
    assert ("Shown" in seen, "Hidden" in seen) == (True, False)
    assert signed_in(member).send("PUT", path, body).status_code == 403
    assert ChannelDefault.objects.for_organization(acme.pk).count() == 1


def test_preferences_go_with_the_person(api: ApiClient, user: User) -> None:
    put(api, preferences=[choice("message", "email", True)], delivery={"mails": "daily"})

    user.delete()

    assert not Preference.objects.exists()
