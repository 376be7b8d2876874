"""How figures of experiments are written; what is not known is a dash."""

from django import template

from flags.experiments import plots
from flags.experiments.statistics import Comparison

register = template.Library()
UNKNOWN = "-"


@register.filter
def whole(number: int) -> str:
    return f"{number:,}"


@register.filter
def percent(fraction: float | None) -> str:
    return UNKNOWN if fraction is None else f"{fraction:.2%}".replace("%", " %")


@register.filter
def signed_percent(fraction: float | None) -> str:
    if fraction is None:
        return UNKNOWN
    return f"{fraction:+.1%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")


@register.filter
def points(fraction: float | None) -> str:
    return UNKNOWN if fraction is None else plots.points(fraction)


@register.filter
def p_value(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


@register.filter
def place(coordinate: float) -> str:
    """Return a coordinate as SVG writes it, whatever the language of the page."""
    return f"{coordinate:.1f}"


@register.filter
def verdict(comparison: Comparison) -> str:
    if comparison.low is None or comparison.high is None:
        return UNKNOWN
    if comparison.low > 0:
        return "Higher"
    return "Lower" if comparison.high < 0 else "Undecided"
