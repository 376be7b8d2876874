"""Writes what the code knows into docs/reference: settings, limits, errors, events and commands.

A page keeps its own words. What stands between `<!-- generated: NAME -->` and `<!-- end -->` is
ours. With --check nothing is written, and a stale page is told with exit code 1.
"""

import os
import re
import sys
from collections.abc import Sequence

import reference_settings
from check import ROOT, environment
from reference_tables import Stale

PAGES = ROOT / "docs" / "reference"
REGION = re.compile(r"<!-- generated: (?P<name>[^>]+?) -->\n.*?<!-- end -->", re.S)


def main(words: Sequence[str]) -> int:
    only_look = "--check" in words
    try:
        stale = write(reference_settings.regions() | code_regions(), only_look=only_look)
    except Stale as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    if stale and only_look:
        sys.stderr.write(f"The code says something else than {', '.join(stale)}: make format\n")
        return 1
    sys.stdout.writelines(f"Wrote {name}.\n" for name in stale)
    return 0


def code_regions() -> dict[str, str]:
    """Return what is known once Django is up, with nothing of the shell's own settings."""
    for example in reference_settings.examples():
        os.environ.pop(example.name, None)
    os.environ.update(environment(), DJANGO_SETTINGS_MODULE="config.settings")
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    import reference_code  # which needs the apps

    return reference_code.regions()


def write(regions: dict[str, str], *, only_look: bool) -> list[str]:
    """Bring the pages to what the regions say; return those that said something else."""
    told: list[str] = []
    stale: list[str] = []
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        told += [match["name"] for match in REGION.finditer(text)]
        fresh = REGION.sub(lambda match: region(match["name"], regions), text)
        if fresh != text:
            stale.append(str(page.relative_to(ROOT)))
            if not only_look:
                page.write_text(fresh, encoding="utf-8")
    refuse_gaps(told, regions)
    return stale


def region(name: str, regions: dict[str, str]) -> str:
    if name not in regions:
        raise Stale(
            f"docs/reference tells of {name!r}, and the code knows none. Delete the region."
        )
    return f"<!-- generated: {name} -->\n\n{regions[name]}\n\n<!-- end -->"


def refuse_gaps(told: Sequence[str], regions: dict[str, str]) -> None:
    missing = sorted(regions.keys() - set(told))
    if missing:
        raise Stale(
            f"No page of docs/reference tells of {missing[0]!r}. Where it belongs, write the lines "
            f"<!-- generated: {missing[0]} --> and <!-- end -->, then: make format"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
