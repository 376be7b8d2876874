"""The admin's pages about experiments."""

import re
from datetime import date, timedelta

from accounts.models import User
from flags.experiments import plots
from flags.experiments.results import by_day
from flags.models import Experiment, ExperimentTally, FlagChange
from tests.client import ApiClient
from tests.flags.conftest import make_flag
from tests.flags.experiments.conftest import VARIANTS, begin, experiment
from tests.flags.test_admin import act, text
from tests.flags.test_admin import admin as admin

PATH = "/admin/flags/experiment/"


def tally(made: Experiment, *, days: int = 1, bought: tuple[int, int] = (50, 60)) -> None:
    start, rows = date(2026, 3, 1), {}
    for day in range(days):
        for variant, reached in zip(("buy", "order"), bought, strict=True):
            rows[made.pk, start + timedelta(day), variant, ""] = 500
            rows[made.pk, start + timedelta(day), variant, "bought"] = reached
    ExperimentTally.objects.add_counts(rows)


def test_one_is_started_and_stopped(admin: ApiClient) -> None:
    make_flag("button", variants=VARIANTS)
    given = {
        "name": "Words", "flag": "button", "hypothesis": "", "wanted": "bought\r\n came back \r\n",
        "against": "order", "goal_window_days": "7", "expected_subjects": "5000", "ends_at_0": "",
        "ends_at_1": "",
    }  # fmt: skip

    assert "Whole name of a flag" in text(admin.get(f"{PATH}add/"))
    assert admin.post(f"{PATH}add/", given).status_code == 302
    made = Experiment.objects.get()
    assert (made.goals, made.control) == (["bought", "came back"], "order")
    entry = FlagChange.objects.order_by("-created_at", "-id")[0]
    assert (entry.action, entry.source) == ("experiment_started", "admin")
    assert "Stop it first" in text(admin.post(f"{PATH}add/", given, follow=True))
    assert "Running" in text(admin.get(PATH))

    assert "Words" in act(admin, PATH, "stop", made)
    act(admin, PATH, "stop", made, confirmed="1")
    made.refresh_from_db()
    assert made.ended_at is not None
    assert "Over" in text(admin.get(f"{PATH}?ended_at__isempty=0"))


def test_a_plan_that_is_refused_is_told(admin: ApiClient) -> None:
    make_flag("lamp")
    given = {
        "name": "x", "flag": "lamp", "wanted": "bought", "goal_window_days": "7",
        "expected_subjects": "5000", "hypothesis": "", "against": "", "ends_at_0": "",
        "ends_at_1": "",
    }  # fmt: skip

    assert "neither variants" in text(admin.post(f"{PATH}add/", given, follow=True))
    assert Experiment.objects.count() == 0


def test_results_are_figures_and_a_drawing(admin: ApiClient) -> None:  # FLG 16
    made = experiment()
    tally(made, days=10)

    page = text(admin.get(f"{PATH}{made.pk}/results/"))

    assert "600</td> <td>5,000</td>" in page
    assert "12.00 %" in page
    assert "+2.00 pp" in page
    assert "Higher" in page
    assert 'class="house-plot"' in page
    assert "order beside buy, from 2026-03-01 to 2026-03-10: at last +2.00 pp" in page
    assert "<script" not in page.split('class="house-results"')[1].split("</figure>")[0]
    text(admin.get(f"{PATH}{made.pk}/change/"))


def test_results_of_nothing_are_a_page_too(admin: ApiClient) -> None:
    made = experiment()

    page = text(admin.get(f"{PATH}{made.pk}/results/"))

    assert "Too little yet" in page
    assert 'class="house-plot"' not in page


def test_strange_names_do_no_harm(admin: ApiClient) -> None:
    odd = '<script>alert("x")</script>'
    make_flag("button", variants=[VARIANTS[0], {"name": odd, "weight": 500}])
    made = begin(name=odd, goals=(odd,), control="buy")
    rows = {(made.pk, date(2026, 3, 1), variant, ""): 500 for variant in ("buy", odd)}
    rows |= {(made.pk, date(2026, 3, 1), variant, odd): 50 for variant in ("buy", odd)}
    ExperimentTally.objects.add_counts(rows)

    page = text(admin.get(f"{PATH}{made.pk}/results/"))

    assert odd not in page
    assert 'class="house-plot"' in page


def test_people_see_none_of_it(api: ApiClient, user: User) -> None:
    made = experiment()
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(user)

    assert client.get(f"{PATH}{made.pk}/results/").status_code == 302
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    assert client.get(f"{PATH}{made.pk}/results/").status_code == 403


# -- The drawing -----------------------------------------------------------------------------------
def numbers(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+),([\d.]+)", points)]


def test_the_drawing_shows_what_the_days_say(db: None) -> None:
    made = experiment()
    tally(made, days=5)

    (plot,) = plots.plots(made)

    line, band = numbers(plot.line), numbers(plot.band)
    assert (len(line), len(band)) == (5, 10)
    assert line[0][0] == plots.LEFT
    assert line[-1] == tuple(round(each, 1) for each in plot.end)
    assert line[-1][0] == plots.WIDTH - plots.RIGHT
    assert all(plots.TOP <= y <= plots.HEIGHT - plots.BOTTOM for _, y in [*line, *band])
    upper, lower = band[4][1], band[5][1]
    assert upper < line[-1][1] < lower  # the last day, first above and then below its difference
    days = by_day(made)["order"]
    difference, low = days[-1][1].difference, days[-1][1].low
    assert difference is not None
    assert low is not None
    scale = (plot.zero - line[-1][1]) / difference
    assert abs(plot.zero - lower - low * scale) < 0.2


def test_one_day_and_many_are_drawn(db: None) -> None:
    made = experiment()
    tally(made)
    (one,) = plots.plots(made)
    assert (len(numbers(one.line)), len(numbers(one.band)), len(one.columns)) == (1, 4, 1)

    tally(made, days=400)
    (many,) = plots.plots(made)
    assert len(numbers(many.line)) == 80
    assert [each.label for each in many.columns] == ["2026-03-05", "2027-04-04"]
