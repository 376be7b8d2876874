"""Experiments and their results as plain data, and as lines: for the API and the command."""

from collections.abc import Iterator, Mapping
from typing import Any

from flags.experiments import results
from flags.experiments.models import Experiment
from flags.experiments.results import Goal, Line, Results
from flags.experiments.serializers import ExperimentSerializer

Json = dict[str, Any]


def plain(experiment: Experiment) -> Json:
    return dict(ExperimentSerializer(experiment).data)


def plain_results(experiment: Experiment) -> Json:
    found = results.of(experiment)
    return {
        "experiment": plain(experiment),
        "subjects": found.subjects,
        "mixed": found.mixed,
        "sample_ratio": _sample_ratio(found),
        "goals": [_goal(each) for each in found.goals],
        "notes": list(found.notes),
        "method": results.METHOD,
    }


def _sample_ratio(found: Results) -> Json:
    return {
        "p_value": found.share_p_value,
        "is_suspicious": found.is_suspicious,
        "variants": [
            {
                "variant": each.variant,
                "subjects": each.subjects,
                "expected": each.expected,
                "actual": each.actual,
            }
            for each in found.shares
        ],
    }


def _goal(goal: Goal) -> Json:
    lines = [_line(each) for each in goal.lines]
    return {"goal": goal.name, "is_primary": goal.is_primary, "variants": lines}


def _line(line: Line) -> Json:
    found = line.comparison
    has_interval = found is not None and found.low is not None
    return {
        "variant": line.variant,
        "is_control": line.is_control,
        "subjects": line.sample.subjects,
        "converted": line.sample.converted,
        "rate": line.sample.rate,
        "difference": found.difference if found else None,
        "relative_difference": found.relative if found else None,
        "interval": [found.low, found.high] if found and has_interval else None,
        "p_value": found.p_value if found else None,
        "is_decided": found.is_decided if found else False,
    }


# -- As text ---------------------------------------------------------------------------------------
def lines(result: Any) -> list[str]:
    if isinstance(result, list):
        return [_listed(each) for each in result] or ["No experiments."]
    if "sample_ratio" in result:
        return list(_told(result))
    state = f"since {result['started_at']}, control {result['control']}"
    return [f"{result['id']}  {result['name']}: {result['flag']}, {state}"]


def _listed(row: Mapping[str, Any]) -> str:
    state = f"ended {row['ended_at']}" if row["ended_at"] else f"since {row['started_at']}"
    return f"{row['id']}  {row['flag']} in {row['environment']}  {row['name']}  {state}"


def _told(result: Mapping[str, Any]) -> Iterator[str]:
    ratio = result["sample_ratio"]
    yield f"{result['experiment']['name']}: {result['subjects']} subjects, {result['mixed']} mixed."
    planned = "no" if ratio["is_suspicious"] else "yes"
    yield f"Shares as planned: {planned} (p {ratio['p_value']:.3g})."
    for goal in result["goals"]:
        yield f"{goal['goal']}:"
        for each in goal["variants"]:
            yield f"  {each['variant']:<16}{_figures(each)}"
    yield from (f"Note: {note}" for note in result["notes"])


def _figures(line: Mapping[str, Any]) -> str:
    told = f"{line['converted']} of {line['subjects']}"
    if line["rate"] is not None:
        told += f" ({line['rate']:.2%})"
    if line["is_control"]:
        return f"{told}, the control"
    if line["interval"] is None:
        return told
    low, high = line["interval"]
    points = f"{100 * line['difference']:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}] points"
    return f"{told}, {points}, p {line['p_value']:.3g}"
