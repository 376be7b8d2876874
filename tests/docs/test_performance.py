"""What is published about speed says how it was measured, and where."""

import re
from pathlib import Path

import pytest

from bench.lab.publish import KEPT, PAGES, rewritten
from tests.docs.pages import ROOT, headings

PAGE = ROOT / "docs" / "explanation" / "performance.md"


# PLT 28
@pytest.mark.parametrize(
    "fact",
    [
        r"\d+ (virtual )?cores?",
        r"\d+ GB",
        r"Python 3\.\d+\.\d+",
        r"PostgreSQL \d+",
        r"\d+ \w+ 20\d\d",
        r"python -m bench\.\w+",
        r"\| .*requests/s.* \|",
    ],
)
def test_load_figures_name_the_machine_the_day_and_the_command(fact: str) -> None:
    assert re.search(fact, PAGE.read_text(encoding="utf-8"))


# PLT 28
def test_load_figures_come_with_their_method() -> None:
    assert {"Method", "Figures"} <= set(headings(PAGE))


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_published_figures_are_what_was_measured(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert text == rewritten(text), "write it anew: .venv/bin/python -m bench.lab.publish"


def test_every_plot_is_shown() -> None:
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES.glob("*.md"))

    assert [plot.name for plot in KEPT.glob("*.svg") if plot.name not in shown] == []
