"""What clients tell of themselves, and what they can't claim."""

from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

import flags
from accounts.models import User
from flags.experiments import counting, recording
from flags.models import Exposure
from flags.services import keys
from organizations.models import Organization
from tests.client import ApiClient, problem
from tests.flags.conftest import AUTHOR, make_flag, share
from tests.flags.experiments.conftest import begin, change, experiment, tallies

EXPOSURES, GOALS = "/api/v1/flags/exposures", "/api/v1/flags/goals"


def key(client: ApiClient, organization: Organization | None = None) -> ApiClient:
    found = organization.pk if organization else None
    _, secret, _ = keys.create(
        name="a key", environment="production", organization_id=found, author=AUTHOR
    )
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def told(client: ApiClient, path: str, *given: dict[str, Any]) -> list[bool]:
    """Tell something, under new ids where none is given; return what of it is counted."""
    rows = [{"id": str(uuid4()), **each} for each in given]
    response = client.send("POST", path, {path.rpartition("/")[2]: rows})
    assert response.status_code == 200, response.content
    found = orjson.loads(response.content)["results"]
    assert [each["id"] for each in found] == [each["id"] for each in rows]
    return [each["is_counted"] for each in found]


def test_the_variant_is_what_the_rules_answer(api: ApiClient, user: User) -> None:  # FLG 16
    made = experiment()
    arm = flags.variant("button", user=user).name
    recording.forget()

    assert told(api, EXPOSURES, {"flag": "button"}) == [True]
    assert told(api, GOALS, {"goal": "bought"}) == [True]
    counting.count()

    assert tallies(made) == {(arm, ""): 1, (arm, "bought"): 1}
    row = Exposure.objects.get()
    assert (row.subject, row.variant) == (str(user.pk), arm)
    wrong = {"exposures": [{"id": str(uuid4()), "flag": "button", "variant": "buy"}]}
    refused = problem(api.send("POST", EXPOSURES, wrong))
    assert [each["code"] for each in refused["errors"]] == ["unknown_field"]


def test_what_is_sent_again_is_no_second_event(api: ApiClient) -> None:  # FLG 16
    made = experiment()
    seen, reached = {"id": str(uuid4())}, {"id": str(uuid4())}

    for _ in range(3):
        assert told(api, EXPOSURES, {**seen, "flag": "button"}, {"flag": "button"}) == [True, True]
        assert told(api, GOALS, {**reached, "goal": "bought"}) == [True]
        counting.count()

    assert sum(tallies(made).values()) == 2


def test_what_no_experiment_looks_for_is_not_counted(api: ApiClient) -> None:
    make_flag("lamp", settings={"is_client_visible": True})
    experiment()

    assert told(api, EXPOSURES, {"flag": "lamp"}, {"flag": "nothing"}) == [False, False]
    assert told(api, GOALS, {"goal": "unheard of"}) == [False]
    change(enabled=False)
    assert told(api, EXPOSURES, {"flag": "button"}) == [False]
    assert Exposure.objects.count() == 0


def test_looking_at_all_flags_or_explaining_one_is_no_exposure(
    api: ApiClient, user: User, anonymous: ApiClient
) -> None:  # FLG 16
    made = experiment()
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    asked = {"context": {"targetingKey": "k", "userId": "u"}}

    api.read("/api/v1/flags")
    server = key(anonymous)
    assert server.send("POST", "/ofrep/v1/evaluate/flags", asked).status_code == 200
    listed = api.read("/api/v1/flags/definitions?name=button")["items"]
    path = f"/api/v1/flags/definitions/{listed[0]['id']}/explain"
    assert api.send("POST", path, {"context": {"userId": "u"}}).status_code == 200
    assert recording.flush() == 0

    one = server.send("POST", "/ofrep/v1/evaluate/flags/button", asked)
    assert recording.flush() == 1
    counting.count()
    assert tallies(made) == {(orjson.loads(one.content)["variant"], ""): 1}


def test_nobody_is_somebody_else(
    api: ApiClient, user: User, acme: Organization, globex: Organization
) -> None:  # FLG 27
    by_organization = share("50")
    by_organization["parameters"]["stickiness"] = "organization"
    make_flag("lamp", settings={"is_client_visible": True}, strategies=[by_organization])
    begin("lamp")

    assert told(api, EXPOSURES, {"flag": "lamp"}) == [False]  # of no organization
    assert told(api, EXPOSURES, {"flag": "lamp", "organization": str(acme.pk)}) == [True]
    strange = {"id": str(uuid4()), "flag": "lamp", "organization": str(globex.pk)}
    assert api.send("POST", EXPOSURES, {"exposures": [strange]}).status_code == 404
    claimed = {"id": str(uuid4()), "flag": "lamp", "context": {"organization": str(globex.pk)}}
    refused = problem(api.send("POST", EXPOSURES, {"exposures": [claimed]}))
    assert refused["errors"][0]["pointer"] == "/exposures/0/context"
    assert [row.subject for row in Exposure.objects.all()] == [str(acme.pk)]


def test_a_person_tells_nothing_of_sessions_that_they_could_make_up(api: ApiClient) -> None:
    by_session = share("50")
    by_session["parameters"]["stickiness"] = "sessionId"
    make_flag("lamp", settings={"is_client_visible": True}, strategies=[by_session])
    begin("lamp", goals=("bought",))
    one = {"context": {"targetingKey": "k", "sessionId": "s"}}

    assert told(api, EXPOSURES, {"flag": "lamp"}) == [False]
    assert told(api, GOALS, {"goal": "bought"}) == [False]
    assert api.send("POST", "/ofrep/v1/evaluate/flags/lamp", one).status_code == 200
    assert recording.flush() == 0


def test_a_key_of_an_environment_says_who_is_meant(anonymous: ApiClient) -> None:
    made = experiment()
    server = key(anonymous)
    people = [{"flag": "button", "context": {"userId": f"u{n}"}} for n in range(20)]

    assert told(server, EXPOSURES, *people) == [True] * 20
    assert told(server, EXPOSURES, {"flag": "button"}) == [False]  # nobody
    assert told(server, GOALS, {"goal": "bought", "context": {"userId": "u3"}}) == [True]
    counting.count()

    assert sum(count for (_, goal), count in tallies(made).items() if not goal) == 20
    assert sum(count for (_, goal), count in tallies(made).items() if goal) == 1


def test_a_tenants_key_tells_nothing(anonymous: ApiClient, acme: Organization) -> None:
    experiment()
    tenant = key(anonymous, acme)
    asked = {"context": {"targetingKey": "k", "userId": "made up"}}

    body = {"exposures": [{"id": str(uuid4()), "flag": "button"}]}
    assert tenant.send("POST", EXPOSURES, body).status_code == 403
    body = {"goals": [{"id": str(uuid4()), "goal": "bought"}]}
    assert tenant.send("POST", GOALS, body).status_code == 403
    one = tenant.send("POST", "/ofrep/v1/evaluate/flags/button", asked)
    assert one.status_code == 200
    assert recording.flush() == 0


def test_nobody_tells_without_saying_who_they_are(anonymous: ApiClient) -> None:
    for path in (EXPOSURES, GOALS):
        assert anonymous.send("POST", path, {}).status_code == 401


ID = str(UUID(int=1))
UNFIT: list[Any] = [
    {}, {"exposures": []}, {"exposures": {}}, {"exposures": [1]}, {"exposures": [{"id": ID}]},
    {"exposures": [{"id": "x", "flag": "button"}]}, {"exposures": [{"id": ID, "flag": 1}]},
    {"exposures": [{"id": ID, "flag": "button"}], "more": 1},
    {"exposures": [{"id": ID, "flag": "button", "at": "2026-01-01T00:00:00Z"}]},
    {"exposures": [{"id": ID, "flag": "button"}] * 101},
    {"exposures": [{"id": ID, "flag": "nul\0"}]},
]  # fmt: skip


@pytest.mark.parametrize("body", UNFIT)
def test_what_is_unfit_is_refused_whole(api: ApiClient, body: Any) -> None:
    experiment()

    assert problem(api.send("POST", EXPOSURES, body))["status"] == 400
    assert Exposure.objects.count() == 0


def test_a_limit_holds_for_telling_too(api: ApiClient, user: User, settings: Any) -> None:
    settings.RATE_LIMITS = {"user": "2/60"}
    experiment()

    answers = [api.send("POST", GOALS, {"goals": [{"id": ID, "goal": "bought"}]}) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]


def test_telling_costs_the_same_for_one_or_a_hundred(
    anonymous: ApiClient, django_assert_max_num_queries: Any
) -> None:
    experiment()
    server = key(anonymous)
    told(server, EXPOSURES, {"flag": "button", "context": {"userId": "u"}})
    people = [{"flag": "button", "context": {"userId": f"u{n}"}} for n in range(100)]

    with django_assert_max_num_queries(2):
        assert all(told(server, EXPOSURES, *people))
    assert Exposure.objects.count() == 101
