"""Pages whose blocks of code are run, and whose blocks below them say what they print.

A block of output belongs to the blocks of code right above it, as far up as the output before it or
a heading. In it, … stands for anything within a line, or within a string of JSON.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any

from tests.docs.pages import FENCE, HEADING

PROGRAMS = {
    "sh": ["bash", "-euo", "pipefail"],
    "python": [sys.executable, "-"],
    # Node 20 has a WebSocket behind the flag, later ones have it anyway.
    "javascript": ["node", "--experimental-websocket", "--no-warnings", "--input-type=module", "-"],
}
"""How each language reads a program from standard input."""

END_OF_BLOCK = "--- end of block ---"
MARKS = {
    "sh": f"echo; echo '{END_OF_BLOCK}'\n",
    "python": f"print('\\n{END_OF_BLOCK}', flush=True)\n",
    "javascript": f"console.log('\\n{END_OF_BLOCK}');\n",
}
OUTPUTS = {"text", "json"}


@dataclass
class Example:
    """One block of code. `output` is a kind and a text, or None where the page shows nothing."""

    topic: str
    language: str
    code: str
    output: tuple[str, str] | None = None


def examples(page: str) -> list[Example]:
    found: list[Example] = []
    waiting: list[Example] = []
    topic, end = "", 0
    for fence in FENCE.finditer(page):
        headings = HEADING.findall(page[end : fence.start()])
        if headings:
            topic, waiting = headings[-1], []
        end = fence.end()
        if fence["kind"] in PROGRAMS:
            waiting.append(Example(topic, fence["kind"], fence["text"]))
            found.append(waiting[-1])
        elif fence["kind"] in OUTPUTS:
            for example in waiting:
                example.output = (fence["kind"], fence["text"])
            waiting = []
    return found


def run(program: list[Example], folder: Path) -> None:
    """Run blocks of one language as one program, and compare what each prints."""
    (language,) = {example.language for example in program}
    done = subprocess.run(
        PROGRAMS[language],
        input="".join(f"{example.code}\n{MARKS[language]}" for example in program),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout.split(f"\n{END_OF_BLOCK}\n")
    finished = len(printed) - 1
    wrong = [*starmap(complaint, zip(program, printed[:finished], strict=False))]
    if finished < len(program):
        broken = program[finished]
        wrong.append(f"{broken.topic}, {language}:\n{broken.code}broke:\n{done.stderr}")
    assert not any(wrong), "\n".join(filter(None, wrong))


def complaint(example: Example, printed: str) -> str | None:
    kind, expected = example.output or ("text", printed)
    alike = (
        is_alike(json.loads(expected), read_json(printed))
        if kind == "json"
        else is_alike(trimmed(expected), trimmed(printed))
    )
    if alike:
        return None
    place = f"{example.topic}, {example.language}:\n{example.code}"
    return f"{place}does not print what the page says:\n{expected}It prints:\n{printed}"


def read_json(printed: str) -> Any:
    try:
        return json.loads(printed)
    except ValueError:
        return None


def trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def is_alike(expected: Any, found: Any) -> bool:
    if isinstance(expected, str) and isinstance(found, str):
        pattern = "[^\n]+".join(map(re.escape, expected.split("…")))
        return re.fullmatch(pattern, found) is not None
    if isinstance(expected, dict) and isinstance(found, dict):
        same = list(expected) == list(found)
        return same and all(is_alike(expected[key], found[key]) for key in expected)
    if isinstance(expected, list) and isinstance(found, list):
        same = len(expected) == len(found)
        return same and all(map(is_alike, expected, found))
    return type(expected) is type(found) and bool(expected == found)
