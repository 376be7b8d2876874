"""Asks a server by the clients of PyPI; runs by itself, with those on its path.

Reads {"base", "key", "cache", "flags": [[name, kind]], "contexts"} and writes answers as JSON.
"""

import json
import sys
from typing import Any

PLAIN = ("userId", "sessionId")
DEFAULTS: dict[str, Any] = {"boolean": False, "string": "none", "number": -1.0, "object": {}}


def unleash(given: dict[str, Any]) -> list[Any]:
    from UnleashClient import UnleashClient

    client = UnleashClient(
        f"{given['base']}/unleash/api",
        "test",
        custom_headers={"Authorization": given["key"]},
        cache_directory=given["cache"],
        disable_metrics=True,
        refresh_interval=3600,
    )
    client.initialize_client()
    try:
        return [_of_unleash(client, given["flags"], each) for each in given["contexts"]]
    finally:
        client.destroy()


def _of_unleash(client: Any, flags: list[Any], about: dict[str, str]) -> list[Any]:
    context: dict[str, Any] = {name: about[name] for name in PLAIN if name in about}
    context["properties"] = {name: about[name] for name in about if name not in PLAIN}
    variants = [client.get_variant(name, context) for name, _ in flags]
    return [
        [client.is_enabled(name, context), variant["name"], variant.get("payload")]
        for (name, _), variant in zip(flags, variants, strict=True)
    ]


def ofrep(given: dict[str, Any]) -> list[Any]:
    from openfeature import api
    from openfeature.contrib.provider.ofrep import OFREPProvider
    from openfeature.evaluation_context import EvaluationContext

    headers = {"Authorization": f"Bearer {given['key']}"}
    api.set_provider(OFREPProvider(given["base"], headers_factory=lambda: headers))
    client = api.get_client()
    asked = {
        "boolean": client.get_boolean_value,
        "string": client.get_string_value,
        "number": client.get_float_value,
        "object": client.get_object_value,
    }
    return [
        [
            asked[kind](name, DEFAULTS[kind], EvaluationContext(about["userId"], about))
            for name, kind in given["flags"]
        ]
        for about in given["contexts"]
    ]


if __name__ == "__main__":
    json.dump({"unleash": unleash, "ofrep": ofrep}[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
