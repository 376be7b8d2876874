"""Every text can be read on every ground it may stand on (WCAG 2.2, 1.4.3: 4.5 to 1)."""

import re
from itertools import product
from pathlib import Path

import pytest

from config.admin_theme import BASE, PRIMARY

TEMPLATES = Path(__file__).parents[2] / "templates"
STATIC = TEMPLATES / "static" / "tenantry"

TEXTS = ["ink", "soft-ink", "lamp", "info", "success", "warning", "error"]
PAIRS = [*product(TEXTS, ["paper", "raised"]), ("on-lamp", "lamp")]
HEX = re.compile(r"#[0-9a-f]{6}\b")
PAIR = re.compile(rf"--([a-z-]+): light-dark\(({HEX.pattern}), ({HEX.pattern})\);")

Palette = dict[str, str]


def palettes() -> dict[str, Palette]:
    found = PAIR.findall((STATIC / "tokens.css").read_text())
    return {
        "light": {name: light for name, light, _ in found},
        "dark": {name: dark for name, _, dark in found},
    }


def luminance(color: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(scheme: str, text: str, ground: str) -> None:
    colors = palettes()[scheme]

    assert contrast(colors[text], colors[ground]) >= 4.5


def test_every_color_is_known_in_both_schemes() -> None:
    assert palettes()["light"].keys() == {*TEXTS, "paper", "raised", "line", "on-lamp"}
    assert len(HEX.findall((STATIC / "tokens.css").read_text())) == 2 * len(palettes()["dark"])


@pytest.mark.parametrize("name", sorted(path.name for path in STATIC.glob("*.css")))
def test_no_other_stylesheet_names_a_color(name: str) -> None:
    found = HEX.findall((STATIC / name).read_text())

    assert not found or name == "tokens.css"


@pytest.mark.parametrize("path", sorted((TEMPLATES / "mail").glob("*.html")), ids=lambda p: p.name)
def test_mails_use_the_colors_of_the_house(path: Path) -> None:
    light, dark = palettes().values()

    assert set(HEX.findall(path.read_text())) <= {*light.values(), *dark.values()}


def test_the_admin_uses_the_colors_of_the_house() -> None:
    light, dark = palettes().values()

    assert (BASE["50"], BASE["200"], BASE["500"]) == (
        light["paper"],
        light["line"],
        light["soft-ink"],
    )
    assert (BASE["800"], BASE["900"], BASE["950"]) == (dark["line"], dark["raised"], dark["paper"])
    assert (PRIMARY["600"], PRIMARY["500"]) == (light["lamp"], dark["lamp"])
