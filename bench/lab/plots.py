"""Draws what a report shows as SVG, in the colors of the house, for light and dark."""

import io
import re
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.lab.report import Bars, Lines, Panel, number

# As in templates/static/tenantry/tokens.css. Matplotlib draws with the light ones.
TOKENS = {
    "paper": ("#ffffff", "#1c1f25"),
    "ink": ("#1d2026", "#eceae4"),
    "soft-ink": ("#5a606c", "#a4a9b4"),
    "line": ("#e3e0d8", "#2c3038"),
    "lamp": ("#9a5b00", "#f0b35a"),
    "info": ("#1f5fae", "#8fb8f0"),
    "success": ("#1d7042", "#7fd1a0"),
    "error": ("#b3261e", "#f2a29b"),
}
PAPER, INK, SOFT, LINE, LAMP, INFO, SUCCESS, ERROR = (light for light, _ in TOKENS.values())
STROKES = [(LAMP, "o"), (INFO, "s"), (SUCCESS, "^"), (ERROR, "D"), (SOFT, "v"), (INK, "X")]
WIDTH_INCHES = 7.6
OURS = ("ours", "hub", "flags.is_enabled", "@cached")
"""What is ours begins so, and takes the accent."""

mpl.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "tenantry", "font.size": 10.5,
    "font.family": "sans-serif", "text.color": INK, "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE, "xtick.color": SOFT, "ytick.color": SOFT, "grid.color": LINE,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
    "figure.facecolor": PAPER, "axes.facecolor": PAPER, "axes.axisbelow": True,
})  # fmt: skip


def draw(shown: Bars | Lines, path: Path) -> None:
    figure = bars(shown) if isinstance(shown, Bars) else lines(shown)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    path.write_text(_for_light_and_dark(text.getvalue(), title=shown.title))


def bars(shown: Bars) -> Any:
    names = sorted(shown.values, key=lambda name: median(shown.values[name]))
    middles = [median(shown.values[name]) for name in names]
    figure, axes = plt.subplots(
        figsize=(WIDTH_INCHES, 0.9 + 0.36 * len(names)), layout="constrained"
    )
    colors = [LAMP if name.startswith(OURS) else SOFT for name in names]
    axes.barh(names, middles, color=colors, height=0.62)
    widest = max(max(seen) for seen in shown.values.values())
    for place, name in enumerate(names):
        least, most = min(shown.values[name]), max(shown.values[name])
        axes.plot([least, most], [place, place], color=INK, linewidth=1.2)
        axes.text(most + widest * 0.012, place, number(middles[place]), va="center", color=INK)
    axes.set_xlim(0, widest * 1.1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_xlabel(shown.unit)
    axes.set_title(shown.title, fontsize=11.5, color=INK, pad=10)
    axes.grid(axis="x", linewidth=0.8)
    axes.tick_params(length=0)
    return figure


def lines(shown: Lines) -> Any:
    count = len(shown.panels)
    figure, all_axes = plt.subplots(
        1, count, figsize=(WIDTH_INCHES, 3.6), layout="constrained", squeeze=False
    )
    for axes, panel in zip(all_axes[0], shown.panels, strict=True):
        _panel(axes, panel)
        axes.set_xlabel(shown.x)
        axes.set_ylabel(panel.y)
    figure.suptitle(shown.title, fontsize=11.5, color=INK, x=0.01, ha="left")
    return figure


def _panel(axes: Any, panel: Panel) -> None:
    ends = []
    for number_of_line, (name, seen) in enumerate(panel.series.items()):
        color, mark = STROKES[number_of_line % len(STROKES)]
        xs, ys = zip(*seen, strict=True)
        axes.plot(xs, ys, color=color, marker=mark, markersize=4, linewidth=1.6)
        ends.append((ys[-1], xs[-1], name, color))
    axes.set_xscale("log")
    axes.set_yscale("log")
    asked = sorted({x for seen in panel.series.values() for x, _ in seen})
    if asked[-1] < 100 * asked[0]:  # powers of ten alone would say too little
        axes.set_xticks(asked)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, high / 20), high * 1.4)
    if high < 100 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    _label(axes, sorted(ends))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(linewidth=0.8)
    axes.tick_params(which="both", length=0)


def _label(axes: Any, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each line's name beside its end, each a little above the one below."""
    low, high = axes.get_ylim()
    room = (high / low) ** 0.062  # a line of text, as a factor: the axis is logarithmic
    free = low
    for y, x, name, color in ends:
        place = max(y, free)
        axes.annotate(
            name, (x, place), xytext=(7, 0), textcoords="offset points", va="center", color=color,
            fontsize=9, annotation_clip=False,
        )  # fmt: skip
        free = place * room


def _for_light_and_dark(svg: str, *, title: str) -> str:
    """Return the drawing with names for colors: the reader's system chooses what they stand for."""
    light, dark = (
        "".join(f"--{name}:{colors[which]};" for name, colors in TOKENS.items()) for which in (0, 1)
    )
    style = (
        f"<style>:root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
        "text{font-family:system-ui,sans-serif!important}</style>"
    )
    for name, (color, _) in TOKENS.items():
        svg = svg.replace(color, f"var(--{name})")
    svg = re.sub(r"\s*<!DOCTYPE.*?>|<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    head, _, rest = svg.partition("<defs>")
    return f"{head}<title>{title}</title>\n {style}\n <defs>{rest}"
