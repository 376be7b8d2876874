"""Every Markdown file of the checkout, read as its readers see it."""

import re
from pathlib import Path

from tests.checkout import ROOT as ROOT

ELSEWHERE = {"build", "dist", "node_modules"}

FENCE = re.compile(r"^(?P<fence>```+)(?P<kind>\w*)[^\n]*\n(?P<text>.*?)^(?P=fence)$", re.S | re.M)
HEADING = re.compile(r"^#{1,6} (.+)$", re.M)


def pages() -> list[Path]:
    return [path for path in sorted(ROOT.rglob("*.md")) if _is_ours(path)]


def _is_ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return not any(part.startswith(".") or part in ELSEWHERE for part in parts)


def blocks(path: Path, kind: str) -> list[str]:
    """Return the fenced blocks of a kind, in their order."""
    found = FENCE.finditer(path.read_text(encoding="utf-8"))
    return [match["text"] for match in found if match["kind"] == kind]


def prose(path: Path) -> str:
    """Return the text without its code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text(encoding="utf-8")))


def anchors(path: Path) -> set[str]:
    return {slug(heading) for heading in headings(path)}


def headings(path: Path) -> list[str]:
    return HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8")))


def slug(heading: str) -> str:
    """Return the anchor of a heading, where the docs' pages and code hosts agree on it."""
    words = re.sub(r"[^\w\s-]", "", heading).strip().lower()
    return re.sub(r"\s", "-", words)
