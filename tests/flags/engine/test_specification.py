"""Unleash's public client specification: 279 cases of contexts, flags and the answers they get."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from flags.engine import Answer, Ruleset, context, unleash
from tests import npm

SPECIFICATION = ("@unleash/client-specification", "6.1.0")
SHA256 = "88e154a8dd69b3c856b694332f0b4af75a4b985977b259600f94a0328b29e2fb"


@pytest.fixture(scope="module")
def specification() -> list[dict[str, Any]]:
    folder = npm.package(*SPECIFICATION, sha256=SHA256) / "specifications"
    return [json.loads((folder / name).read_text()) for name in _json(folder / "index.json")]


def test_every_case_gets_its_answer(specification: list[dict[str, Any]]) -> None:
    wrong, count = [], 0
    for part in specification:
        flags = unleash.ruleset(_state(part["state"]))
        for case in _cases(part):
            count += 1
            if not _is_right(flags, case):
                wrong.append((part["name"], case["description"]))

    assert wrong == []
    assert count == 279


def test_both_questions_agree(specification: list[dict[str, Any]]) -> None:
    for part in specification:
        flags = unleash.ruleset(_state(part["state"]))
        for case in _cases(part):
            name, about = case["toggleName"], context.from_unleash(case["context"])
            assert flags.answer(name, about).enabled == flags.is_enabled(name, about)


def _cases(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from part.get("tests", [])
    yield from part.get("variantTests", [])


def _is_right(flags: Ruleset, case: dict[str, Any]) -> bool:
    about = context.from_unleash(case["context"])
    expected = case["expectedResult"]
    if isinstance(expected, bool):
        return flags.is_enabled(case["toggleName"], about) is expected
    got = _as_unleash(flags.answer(case["toggleName"], about))
    return all(got.get(name) == value for name, value in _snaked(expected).items())


def _as_unleash(answer: Answer) -> dict[str, Any]:
    payload = answer.payload
    return {
        "name": answer.variant or "disabled",
        "enabled": answer.variant is not None,
        "feature_enabled": answer.enabled,
        "payload": {"type": payload.type, "value": payload.value} if payload else None,
    }


def _snaked(expected: dict[str, Any]) -> dict[str, Any]:
    return {
        "feature_enabled" if name == "featureEnabled" else name: expected[name] for name in expected
    }


def _state(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a client holds after the events of the delta API, or the state itself."""
    if "events" not in state:
        return state
    features: dict[str, Any] = {}
    segments: dict[int, Any] = {}
    for event in state["events"]:
        features |= {each["name"]: each for each in _told(event, "feature")}
        segments |= {each["id"]: each for each in _told(event, "segment")}
        features.pop(event.get("featureName"), None)
        segments.pop(event.get("segmentId"), None)
    return {"features": list(features.values()), "segments": list(segments.values())}


def _told(event: dict[str, Any], kind: str) -> list[Any]:
    return [*event.get(f"{kind}s", []), *([event[kind]] if kind in event else [])]


def _json(path: Any) -> Any:
    return json.loads(path.read_text())
