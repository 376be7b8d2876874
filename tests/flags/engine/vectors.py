"""Writes test_vectors.json: 1000 subjects and 20 flags, and what each gets.

    python -m tests.flags.engine.vectors

It was written once. Run it again to add flags; a value that changes is a fault of the engine.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from flags.engine import Ruleset, unleash

FILE = Path(__file__).parent / "test_vectors.json"
SUBJECTS = 1000


def subjects() -> list[str]:
    """Return ids of several kinds: numbers, UUID-like text, addresses, and beyond ASCII."""
    shapes = ["{n}", "{hash}", "user-{n}@example.com", "Übung {n}", "用户{n}"]
    return [
        shapes[n % len(shapes)].format(n=n, hash=sha256(str(n).encode()).hexdigest()[:32])
        for n in range(SUBJECTS)
    ]


def features() -> list[dict[str, Any]]:
    shares = ["0", "0.001", "0.1", "1", "5", "10", "12.5", "20", "33.333", "50", "66.667", "75"]
    shares += ["90", "99", "99.999", "100"]
    plain = [_feature(f"share {share}", share) for share in shares]
    weights = {"halves": [1, 1], "thirds": [1, 1, 1], "skewed": [990, 9, 1], "Ünïcode": [3, 7]}
    varied = [
        {**_feature(name, "100"), "variants": [_variant(f"v{n}", w) for n, w in enumerate(each)]}
        for name, each in weights.items()
    ]
    return [*plain, *varied]


def answers(flags: Ruleset, subject: str) -> list[Any]:
    """Return for each flag: off, on, or the variant."""
    found = (flags.answer(name, {"userId": subject}) for name in flags)
    return [each.variant or each.enabled for each in found]


def _feature(name: str, share: str) -> dict[str, Any]:
    parameters = {"rollout": share, "stickiness": "default", "groupId": name}
    strategy = {"name": "flexibleRollout", "parameters": parameters}
    return {"name": name, "enabled": True, "strategies": [strategy]}


def _variant(name: str, weight: int) -> dict[str, Any]:
    return {"name": name, "weight": weight, "stickiness": "default"}


def write() -> None:
    document = {"version": 2, "features": features()}
    flags = unleash.ruleset(document)
    rows = [json.dumps([each, answers(flags, each)], ensure_ascii=False) for each in subjects()]
    head = json.dumps(document, ensure_ascii=False)
    FILE.write_text(f'{{"state": {head},\n"answers": [\n' + ",\n".join(rows) + "\n]}\n")


if __name__ == "__main__":
    write()
