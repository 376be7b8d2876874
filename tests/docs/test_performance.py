"""What is published about speed says how it was measured, and where."""

import re

import pytest

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
