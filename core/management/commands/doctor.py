import dataclasses
from typing import Any

from core import checkup, diagnostics
from core.management.base import JsonCommand

SIGNS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


class Command(JsonCommand):
    help = "Look whether everything is there that the product needs, and say what to do if not."

    def perform(self, **options: Any) -> list[dict[str, str]]:
        return [dataclasses.asdict(found) for found in diagnostics.examine(checkup.CHECKS)]

    def lines(self, result: Any) -> list[str]:
        width = max(len(found["name"]) for found in result)
        lines = []
        for found in result:
            lines.append(f"{SIGNS[found['status']]}  {found['name']:<{width}}  {found['detail']}")
            if found["advice"]:
                lines.append(f"{'':{width + 8}}→ {found['advice']}")
        return lines

    def code(self, result: Any) -> int:
        return int(any(found["status"] == "fail" for found in result))
