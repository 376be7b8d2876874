"""Precedence of versions, as Semantic Versioning 2.0.0 (semver.org, item 11) orders them."""

import re
from functools import lru_cache

_NUMBER = r"(?:0|[1-9]\d*)"
_PART = rf"(?:{_NUMBER}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_PART}(?:\.{_PART})*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?",
    re.ASCII,
)

Part = tuple[int, int, str]
Precedence = tuple[int, int, int, int, tuple[Part, ...]]


@lru_cache(maxsize=4096)
def precedence(text: str) -> Precedence | None:
    """Return what compares as the version does; None for text that is none."""
    found = _VERSION.fullmatch(text) if len(text) <= 256 else None
    if found is None:
        return None
    major, minor, patch, before = found.groups()
    parts = tuple(_part(each) for each in before.split(".")) if before else ()
    return int(major), int(minor), int(patch), 0 if before else 1, parts


def _part(text: str) -> Part:
    """Numbers come before words; a shorter list of equal parts before a longer one."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)
