"""What flags cost by their number, and what hostile rules cost; prints JSON.

python -m bench.flags.sizes COUNT...   for so many flags: evaluation, building, memory
python -m bench.flags.sizes hostile    the slowest evaluation of each hostile rule
"""

import gc
import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

from bench.flags import question
from bench.flags.asking import ask_one, context, engine
from flags.documents import ruleset, snapshot

REPEATS = 5
LONG = 10_000


def size(count: int) -> dict[str, float]:
    made = engine(count)
    answered = ask_one(made, [context(each) for each in question.SUBJECTS], 0.5)
    document = json.loads(json.dumps(question.ours(count)))
    times = [_cpu_ms(lambda: snapshot("production", document)) for _ in range(REPEATS)]
    before, changed = snapshot("production", document), json.loads(json.dumps(document))
    changed["flags"][-1]["enabled"] = False
    again = [
        _cpu_ms(lambda: snapshot("production", changed, before=before)) for _ in range(REPEATS)
    ]
    gc.collect()
    tracemalloc.start()
    held = snapshot("production", json.loads(json.dumps(document)))
    gc.collect()
    memory, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held.rules) == count
    return {
        "flags": count,
        "evaluation_cpu_ns": answered["cpu_ns"],
        "build_cpu_ms": min(times),
        "change_cpu_ms": min(again),
        "memory_kib": memory / 1024,
    }


def _cpu_ms(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1e3


# -- Hostile rules ---------------------------------------------------------------------------------
def rule(operator: str, *values: str, value: str = "", **more: Any) -> dict[str, Any]:
    return {
        "contextName": "x",
        "operator": operator,
        "values": list(values),
        "value": value,
        **more,
    }


def strategy(*constraints: Any) -> dict[str, Any]:
    return {"name": "default", "parameters": {}, "constraints": list(constraints)}


def flag(*strategies: Any, **more: Any) -> dict[str, Any]:
    return {"name": "f", "enabled": True, "strategies": list(strategies), **more}


def hostile() -> dict[str, tuple[dict[str, Any], str]]:
    """Return flags by what is wrong with them, each with the value it has most trouble with."""
    a = "a" * LONG
    networks = [f"10.{number // 256}.{number % 256}.0/24" for number in range(20_000)]
    many = [f"v{number}" for number in range(20_000)]
    nested: Any = "x"
    for _ in range(400):
        nested = [nested]
    return {
        "(a+)+$": (flag(strategy(rule("REGEX", value="(a+)+$"))), f"{a}!"),
        "(a|aa)*b": (flag(strategy(rule("REGEX", value="(a|aa)*b"))), a),
        "(.*)* five times": (flag(strategy(rule("REGEX", value="(.*)*" * 5 + "!"))), a),
        "one beyond the memory": (flag(strategy(rule("REGEX", value="(a{900}){900}"))), a),
        "an expression that is none": (flag(strategy(rule("REGEX", value="(["))), "x"),
        "20 000 values": (flag(strategy(rule("IN", *many))), "none"),
        "20 000 beginnings": (flag(strategy(rule("STR_STARTS_WITH", *many))), a),
        "20 000 contained": (flag(strategy(rule("STR_CONTAINS", *many))), a[:1000]),
        "20 000 networks": (flag(strategy(rule("IN_CIDR", *networks))), "192.0.2.1"),
        "200 strategies of 20 constraints": (
            flag(*(strategy(*(rule("NUM_LT", value="1e9") for _ in range(20)), rule("IN", "z"))
                   for _ in range(200))), "7",
        ),
        "a number of 10 000 digits": (flag(strategy(rule("NUM_EQ", value="9" * LONG))), "9" * LONG),
        "a version of 10 000 parts": (
            flag(strategy(rule("SEMVER_GT", value="1.0.0"))), "1.0.0-" + "a." * LONG + "b",
        ),
        "a time that is none": (flag(strategy(rule("DATE_AFTER", value="soon"))), "2026"),
        "an operator that is none": (flag(strategy(rule("EXEC", value="x"))), "x"),
        "rules of the wrong types": (
            flag({"name": 7, "constraints": "all"}, None, nested, variants=[None, nested]), "x",
        ),
        "a percentage that is none": (
            flag({"name": "flexibleRollout", "parameters": {"rollout": "nan"}}), "x",
        ),
        "a circle": (flag(strategy(), dependencies=[{"feature": "f"}]), "x"),
    }  # fmt: skip


def slowest() -> dict[str, float]:
    """Return milliseconds of CPU of the slowest of some evaluations."""
    found = {}
    for name, (given, value) in hostile().items():
        rules = ruleset({"flags": [given]}, 1)
        about = {"x": value, "userId": value}
        asked = (partial(rules.is_enabled, "f", about), partial(rules.answer, "f", about))
        found[name] = max(_cpu_ms(each) for each in asked for _ in range(REPEATS))
    return found


if __name__ == "__main__":
    words = sys.argv[1:]
    print(json.dumps(slowest() if words == ["hostile"] else [size(int(each)) for each in words]))
