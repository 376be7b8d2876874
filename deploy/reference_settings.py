"""What docs/reference says of the variables: words from .env.example, the rest from the code."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

from check import ROOT, environment
from reference_tables import Stale, code, table

SECTION = re.compile(r"^# -- (.+?) -+$")
EXAMPLE = re.compile(r"^#?([A-Z_]+)=(.*)$")
PAGE = re.compile(r"docs/([\w/-]+)\.md")
ONLY_COMPOSE = "docker compose only"

TELL_VARIABLES = """
import dataclasses, json
import config.settings
from config import env
print(json.dumps({name: dataclasses.asdict(read) for name, read in env.VARIABLES.items()}))
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A variable as .env.example explains it."""

    name: str
    section: str
    meaning: str
    value: str


Variables = dict[str, dict[str, str | None]]
"""Kind and default of every variable that the settings read in one mode."""


def examples() -> list[Example]:
    """Return what .env.example explains, in its order."""
    found, section, words = [], "", list[str]()
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if match := SECTION.match(line):
            section = match[1]
        elif match := EXAMPLE.match(line):
            found.append(Example(match[1], section, " ".join(words), match[2]))
        elif line.startswith("# "):
            words.append(line[2:])
            continue
        words.clear()
    return [example for example in found if example.section != ONLY_COMPOSE]


def variables(**settings: str) -> Variables:
    """Return what the settings read with this environment and nothing of the shell's."""
    names = {example.name for example in examples()}
    kept = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(  # noqa: S603  words of our own, no shell
        [sys.executable, "-c", TELL_VARIABLES],
        cwd=ROOT,
        env=kept | settings,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: Variables = json.loads(done.stdout)
    return found


def regions() -> dict[str, str]:
    told, production = examples(), variables(**environment())
    stores = {name: environment()[name] for name in ("DATABASE_URL", "REDIS_URL")}
    development = variables(DEBUG="1", READ_DOT_ENV="0", **stores)
    unknown = {example.name for example in told} ^ (production.keys() | development.keys())
    if unknown:
        raise Stale(f".env.example and config/settings.py differ in {', '.join(sorted(unknown))}.")
    heads = ["variable", "type", "production", "development", "meaning"]
    return {
        f"settings {section}": table(
            heads,
            (row(each, production, development) for each in told if each.section == section),
        )
        for section in dict.fromkeys(example.section for example in told)
    }


def row(example: Example, production: Variables, development: Variables) -> list[str]:
    refuse_wrong(example, production)
    kind = (production.get(example.name) or development[example.name])["kind"]
    serious, relaxed = default(example.name, production), default(example.name, development)
    same = "same" if serious == relaxed else relaxed
    meaning = PAGE.sub(r"[\1](../\1.md)", example.meaning)
    return [code(example.name), str(kind), serious, same, meaning]


def refuse_wrong(example: Example, production: Variables) -> None:
    if not example.meaning:
        raise Stale(f".env.example does not say what {example.name} is for.")
    real = written(example.name, production)
    if real and real != example.value:
        raise Stale(
            f".env.example gives {example.name} as {example.value}, config/settings.py as {real}."
        )


def default(name: str, read: Variables) -> str:
    if name not in read:
        return "not read"
    if read[name]["default"] is None:
        return "**required**"
    if read[name]["kind"] == "JSON":
        return "see below"
    return code(written(name, read)) if written(name, read) else "empty"


def written(name: str, read: Variables) -> str:
    """Return the default as one would write it into the environment, with no folder of ours."""
    return str(read.get(name, {}).get("default") or "").removeprefix(f"{ROOT}/")
