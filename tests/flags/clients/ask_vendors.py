"""Asks the engines of Flagsmith and GrowthBook, as published; the test runs it by itself.

Reads {"document", "contexts"} and writes, by context and flag, the value that a flag gives where it
is on, and null where it is off.
"""

import json
import sys
from typing import Any


def flagsmith(given: dict[str, Any]) -> list[Any]:
    from flag_engine.engine import get_evaluation_result
    from flagsmith.mappers import (
        map_context_and_identity_data_to_context,
        map_environment_document_to_context,
    )

    environment = map_environment_document_to_context(given["document"])
    found = []
    for about in given["contexts"]:
        known = map_context_and_identity_data_to_context(environment, about["id"], about["traits"])
        flags = get_evaluation_result(known)["flags"]
        found.append({name: _shown(each) for name, each in flags.items()})
    return found


def _shown(flag: Any) -> Any:
    """Return what it gives; true for a flag that is on and has no value."""
    return (True if flag["value"] in (None, "") else flag["value"]) if flag["enabled"] else None


def growthbook(given: dict[str, Any]) -> list[Any]:
    from growthbook import GrowthBook

    document = given["document"]
    client = GrowthBook(features=document["features"], savedGroups=document["savedGroups"])
    found = []
    for about in given["contexts"]:
        client.set_attributes(about)
        values = {name: client.eval_feature(name).value for name in document["features"]}
        found.append({name: None if value is False else value for name, value in values.items()})
    return found


if __name__ == "__main__":
    asked = {"flagsmith": flagsmith, "growthbook": growthbook}[sys.argv[1]]
    json.dump(asked(json.load(sys.stdin)), sys.stdout)
