"""What is called too steep, and what is not."""

import json

import pytest

from bench.growth.paths import LEVEL, LINEAR, Line, Lines, exponent, from_json
from bench.growth.shown import goals, plot, table


@pytest.mark.parametrize(
    ("seen", "growth"),
    [
        ({10: 3.0, 1_000: 3.0}, 0.0),
        ({10: 2.0, 100: 50.0, 1_000: 200.0}, 1.0),  # first and last alone
        ({10: 1.0, 1_000: 10.0}, 0.5),
        ({1_000: 10.0, 10: 1_000.0}, -1.0),  # in whatever order
        ({10: 4.0}, 0.0),
        ({10: 0.0, 1_000: 5.0}, 0.0),  # nothing to compare with
    ],
)
def test_growth_is_the_exponent_between_first_and_last(
    seen: dict[int, float], growth: float
) -> None:
    assert exponent(seen) == pytest.approx(growth)


def line(name: str, most: float, last: float, **beside: dict[int, float]) -> Line:
    return Line(name, "ms", most, {10: 1.0, 1_000: last}, dict(beside), panel="ms")


def test_whatever_of_a_path_grows_fastest_counts() -> None:
    found = line("list", LEVEL, 1.0, pages={10: 5, 1_000: 500}, statements={10: 2, 1_000: 2})

    assert found.growth == pytest.approx(1.0)
    assert found.is_steeper_than_it_may


def test_a_goal_holds_the_steepest_of_those_that_may_grow_alike() -> None:
    lines = [line("a", LEVEL, 1.1), line("b", LEVEL, 3.0), line("all", LINEAR, 90.0)]

    level, linear = goals("flags", lines)

    assert ("(b)" in level.what, level.is_reached) == (True, False)
    assert ("(all)" in linear.what, linear.is_reached) == (True, True)


def test_the_table_marks_what_is_too_steep() -> None:
    found = table("flags", [line("a", LEVEL, 1.0), line("b", LEVEL, 10.0)])

    assert [row[-2] for row in found.rows] == ["0", "**0.5**"]


def test_lines_come_back_from_json_as_they_went() -> None:
    lines = Lines()
    lines.note("memory", 10, 2.0, "KiB", LINEAR)
    lines.note("memory", 100, 20.0, "KiB", LINEAR)
    lines.by_name["memory"].beside["pages"] = {10: 1.0}

    assert from_json(json.loads(json.dumps(lines.as_json()))) == [*lines.by_name.values()]


def test_a_plot_has_time_at_the_left() -> None:
    memory = Line("memory", "KiB", LINEAR, {10: 1.0, 1_000: 9.0}, panel="KiB")

    drawn = plot("flags", [memory, line("a", LEVEL, 1.0)])

    assert [panel.y for panel in drawn.panels] == ["ms", "KiB"]
