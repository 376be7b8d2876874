"""What an experiment found, over the API and by the command."""

from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.core.management import CommandError, call_command

import flags
from accounts.models import User
from flags.experiments import counting, recording, results
from flags.models import Experiment, ExperimentTally
from tests.client import ApiClient, problem
from tests.conftest import make_user
from tests.flags.conftest import make_flag
from tests.flags.experiments.conftest import VARIANTS, begin, change, experiment
from tests.tenants import signed_in

BASE = "/api/v1/flags/experiments"


@pytest.fixture
def staff(db: None) -> ApiClient:
    return signed_in(make_user("staff@example.com", staff=True))


def tally(made: Experiment, counts: dict[tuple[str, str], int], *, days: int = 1) -> None:
    """Count as much as if it had happened, the same on each day."""
    start = date(2026, 3, 1)
    for day in range(days):
        rows = {(made.pk, start + timedelta(day), *key): n for key, n in counts.items()}
        ExperimentTally.objects.add_counts(rows)


def body(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return orjson.loads(response.content)


def test_what_is_told_of_an_experiment(staff: ApiClient) -> None:  # FLG 16
    made = experiment(goals=("bought", "came back"))
    counts = {
        ("buy", ""): 5_000, ("order", ""): 5_000, ("buy", "bought"): 500, ("order", "bought"): 600,
        ("", ""): 7,
    }  # fmt: skip
    tally(made, counts)

    found = staff.read(f"{BASE}/{made.pk}/results")

    assert (found["subjects"], found["mixed"]) == (10_000, 7)
    assert found["sample_ratio"]["is_suspicious"] is False
    assert [each["expected"] for each in found["sample_ratio"]["variants"]] == [0.5, 0.5]
    primary, second = found["goals"]
    control, arm = primary["variants"]
    assert (primary["is_primary"], second["is_primary"]) == (True, False)
    assert (control["variant"], control["is_control"], control["rate"]) == ("buy", True, 0.1)
    assert (control["interval"], control["difference"]) == (None, None)
    assert (arm["subjects"], arm["converted"], arm["rate"]) == (5_000, 600, 0.12)
    assert arm["difference"] == pytest.approx(0.02)
    assert arm["relative_difference"] == pytest.approx(0.2)
    assert arm["interval"] == pytest.approx([0.0010161, 0.0389839], abs=1e-6)
    assert (arm["is_decided"], arm["p_value"] < 0.05) == (True, True)
    assert second["variants"][1]["interval"] is None
    assert found["notes"] == []
    assert "Waudby-Smith" in found["method"]


def test_nothing_yet_is_a_result_too(staff: ApiClient) -> None:
    made = experiment()

    found = staff.read(f"{BASE}/{made.pk}/results")

    assert found["subjects"] == 0
    assert found["goals"][0]["variants"][1]["difference"] is None
    assert ["too little" in note for note in found["notes"]] == [True]


def test_shares_that_are_off_are_told_first(staff: ApiClient) -> None:  # FLG 16
    made = experiment()
    tally(made, {("buy", ""): 5_300, ("order", ""): 4_700, ("buy", "bought"): 200})

    found = staff.read(f"{BASE}/{made.pk}/results")

    assert found["sample_ratio"]["is_suspicious"] is True
    assert "trust no comparison" in found["notes"][0]


def test_rules_that_were_changed_and_subjects_that_saw_both_are_told(staff: ApiClient) -> None:
    made = experiment()
    tally(made, {("buy", ""): 980, ("order", ""): 980, ("buy", "bought"): 50, ("", ""): 40})
    change(variants=[{"name": "buy", "weight": 9}, {"name": "order", "weight": 1}])

    notes = staff.read(f"{BASE}/{made.pk}/results")["notes"]
    assert ["changed since" in notes[0], "saw several" in notes[1]] == [True, True]
    change(variants=[])
    assert "nobody by chance" in staff.read(f"{BASE}/{made.pk}/results")["notes"][0]


def test_days_that_took_something_back_are_added_up(db: None) -> None:
    """Somebody who saw both is taken out of the day that counted them."""
    made = experiment()
    start = date(2026, 3, 1)
    rows = {
        (made.pk, start, "buy", ""): 3,
        (made.pk, start + timedelta(1), "buy", ""): -1,
        (made.pk, start + timedelta(2), "buy", ""): 5,
    }
    ExperimentTally.objects.add_counts(rows)

    assert results.of(made).subjects == 7
    assert [day for day, _ in results.by_day(made)["order"]] == [
        start + timedelta(n) for n in range(3)
    ]


def test_each_day_knows_what_was_known_then(db: None) -> None:
    made = experiment()
    counts = {("buy", ""): 500, ("order", ""): 500, ("buy", "bought"): 50, ("order", "bought"): 60}
    tally(made, counts, days=30)

    days = results.by_day(made)["order"]

    assert len(days) == 30
    widths = [found.high - found.low for _, found in days if found.low is not None and found.high]
    assert len(widths) == 30
    assert widths == sorted(widths, reverse=True)
    assert days[-1][1] == results.of(made).goals[0].lines[1].comparison


def test_results_cost_the_same_however_many_subjects(
    staff: ApiClient, django_assert_num_queries: Callable[[int], Any]
) -> None:
    made = experiment()
    tally(made, {("buy", ""): 500, ("order", ""): 500}, days=30)
    staff.read(f"{BASE}/{made.pk}/results")

    with django_assert_num_queries(4):  # the experiment, its tallies, the flag, its rules
        staff.read(f"{BASE}/{made.pk}/results")


# -- Managing --------------------------------------------------------------------------------------
def test_an_experiments_life(staff: ApiClient) -> None:
    make_flag("button", variants=VARIANTS)
    wanted = {
        "name": "Words", "flag": "button", "goals": ["bought"], "control": "order",
        "goal_window_days": 7, "reason": "a guess",
    }  # fmt: skip
    made = body(staff.send("POST", BASE, wanted), 201)

    assert (made["flag"], made["environment"], made["control"]) == ("button", "production", "order")
    assert body(staff.send("POST", BASE, wanted), 409)["code"] == "conflict"
    assert staff.read(f"{BASE}/{made['id']}") == made
    stopped = body(staff.send("POST", f"{BASE}/{made['id']}/stop", {"reason": "enough"}))
    assert stopped["ended_at"]
    changes = staff.read("/api/v1/flags/changes?name=button&cursor=")["items"]
    assert [(each["action"], each["reason"]) for each in changes[:2]] == [
        ("experiment_stopped", "enough"), ("experiment_started", "a guess"),
    ]  # fmt: skip
    assert staff.send("GET", f"{BASE}/{uuid4()}/results").status_code == 404


def test_what_is_wrong_with_a_plan_has_its_place(staff: ApiClient) -> None:
    make_flag("button", variants=VARIANTS)
    wrong = {"name": "x", "flag": "button", "goals": [], "goal_window_days": 0}

    told = problem(staff.send("POST", BASE, wrong))

    assert sorted(each["pointer"] for each in told["errors"]) == ["/goal_window_days", "/goals"]
    every: list[Any] = [{"goals": "x"}, {"goals": [1]}, {"weights": {}}, {"ends_at": "soon"}]
    for unfit in every:
        response = staff.send(
            "POST", BASE, {"name": "x", "flag": "button", "goals": ["a"], **unfit}
        )
        assert response.status_code == 400, unfit


def test_people_see_no_experiments(api: ApiClient, anonymous: ApiClient) -> None:
    made = experiment()
    for method, path in (
        ("GET", BASE), ("POST", BASE), ("GET", f"{BASE}/{made.pk}"),
        ("GET", f"{BASE}/{made.pk}/results"), ("POST", f"{BASE}/{made.pk}/stop"),
    ):  # fmt: skip
        given: Any = {} if method == "POST" else None
        assert api.send(method, path, given).status_code == 403
        assert anonymous.send(method, path, given).status_code == 401
    made.refresh_from_db()
    assert made.ended_at is None


def test_the_list_is_filtered_and_costs_one_query(
    staff: ApiClient, django_assert_num_queries: Callable[[int], Any]
) -> None:
    for number in range(20):
        make_flag(f"flag {number}", variants=VARIANTS)
        begin(f"flag {number}")
    staff.read(f"{BASE}?cursor=")

    with django_assert_num_queries(1):
        assert len(staff.read(f"{BASE}?cursor=")["items"]) == 20
    assert [each["flag"] for each in staff.read(f"{BASE}?flag=flag 3")["items"]] == ["flag 3"]
    assert staff.read(f"{BASE}?ended=true")["total"] == 0
    assert staff.read(f"{BASE}?ended=false")["total"] == 20


# -- The command -----------------------------------------------------------------------------------
def run(*words: str) -> str:
    out = StringIO()
    call_command("experiment", *words, stdout=out)
    return out.getvalue()


def test_the_command_does_the_same(user: User) -> None:
    make_flag("button", variants=VARIANTS)
    assert run("list") == "No experiments.\n"

    made = orjson.loads(run("start", "button", "--goal", "bought", "--json"))
    assert made["name"] == "button"
    assert made["id"] in run("list")
    flags.variant("button", user=user)
    flags.track("bought", user=user)
    recording.flush()

    told = run("results", made["id"])  # counts what is written
    assert "button: 1 subjects, 0 mixed." in told
    assert "1 of 1 (100.00%)" in told
    assert "the control" in told
    assert "Note: There is too little" in told
    assert orjson.loads(run("results", made["id"], "--json"))["subjects"] == 1
    run("stop", made["id"], "--reason", "enough")
    assert run("list") == "No experiments.\n"
    assert made["id"] in run("list", "--all")
    assert counting.count() == 0


def test_the_command_tells_figures(db: None) -> None:
    made = experiment()
    tally(made, {
        ("buy", ""): 5_000, ("order", ""): 5_000, ("buy", "bought"): 500, ("order", "bought"): 600,
    })  # fmt: skip

    told = run("results", str(made.pk))

    assert "order           600 of 5000 (12.00%), +2.00 [+0.10, +3.90] points, p 0.0" in told
    assert "Shares as planned: yes (p 1)." in told


def test_the_command_says_what_is_wrong(db: None) -> None:
    with pytest.raises(CommandError, match="no id"):
        run("results", "x")
    with pytest.raises(CommandError):
        run("results", str(uuid4()))
    make_flag("lamp")
    with pytest.raises(CommandError, match="neither variants"):
        run("start", "lamp", "--goal", "bought")
