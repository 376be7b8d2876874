"""What measurements leave can be read again, and says what it was."""

from pathlib import Path

import pytest

from bench.lab import publish
from bench.lab.report import Bars, Goal, Lines, Panel, Report, Table, finish, number, read, spread

REPORT = Report(
    section="lamps",
    method="Two rounds.",
    machine={"day": "29 November 2026", "machine": "2 cores", "Python": "3.11.7"},
    goals=[Goal("lamps lit", 1.5, least=2.0, unit="times"), Goal("in the dark", 3.0, most=3.0)],
    shown=[
        Table(["lamp", "lit/s"], [["ours", "12"]], "What was lit."),
        Bars("lit", "Lamps lit", "lamps/s", {"ours": [11.0, 12.0]}),
        Lines(
            "more", "As they grow", "lamps", [Panel("ms", {"ours": [(10.0, 1.0), (100.0, 2.0)]})]
        ),
    ],
    figures={"lit": 12.0},
)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        (0, "0"),
        (0.00123456, "0.00123"),
        (1.8234, "1.82"),
        (12.0, "12"),
        (99.96, "100"),
        (93_249, "93 200"),
        (1_234_567, "1 230 000"),
    ],
)
def test_numbers_have_three_digits(value: float, spelled: str) -> None:
    assert number(value) == spelled


def test_a_spread_is_the_median_with_the_least_and_the_most() -> None:
    assert spread([3.0, 1.0, 2.0]) == "2 (1 to 3)"
    assert spread([2.0]) == "2"


def test_a_report_is_read_as_it_was_saved(tmp_path: Path) -> None:
    assert read(REPORT.save(tmp_path)) == REPORT


def test_a_missed_goal_is_told_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert finish(REPORT) == 1

    told = capsys.readouterr().out
    assert "MISSED   lamps lit: 1.5 times, at least 2 times" in told
    assert "reached  in the dark: 3, at most 3" in told


def test_a_page_holds_what_was_measured_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "KEPT", tmp_path / "figures")
    REPORT.save(publish.KEPT)
    page = (
        "Before.\n<!-- figures: goals -->\n<!-- end -->\n<!-- figures: lamps -->\nold<!-- end -->"
    )

    written = publish.rewritten(page)

    assert "| lamps lit | 1.5 | at least 2 times | **no** |" in written
    assert "29 November 2026, 2 cores: Python 3.11.7. Two rounds." in written
    assert "What was lit.\n\n| lamp | lit/s |" in written
    assert "![Lamps lit](figures/lamps-lit.svg)" in written
    assert "old" not in written
    assert publish.rewritten(written) == written


def test_a_section_that_was_not_measured_keeps_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "KEPT", tmp_path)
    page = "<!-- figures: lamps -->\nnothing yet\n<!-- end -->"

    assert publish.rewritten(page) == page
