"""Writes what was measured into the documentation: python -m bench.lab.publish SECTION…

A page holds a region for each section, between `<!-- figures: SECTION -->` and `<!-- end -->`;
`goals` is a table of all of them. What a section leaves beside its report, as `SECTION_part`, goes
with it. Reports and plots are kept beside the pages, so that the same page can be written again
without measuring.
"""

import re
import shutil
import sys
from pathlib import Path

from bench.lab.report import FOLDER, Bars, Lines, Report, Table, number, read

PAGES = Path("docs/explanation")
KEPT = PAGES / "figures"
REGION = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def publish(sections: list[str]) -> None:
    """Keep these sections' newest reports, draw their plots, and write every page anew."""
    from bench.lab import plots  # matplotlib takes a second, which who only reads shall not wait

    KEPT.mkdir(exist_ok=True)
    for section in sections:
        for path in left_by(section):
            shutil.copy(path, KEPT)
            for each in drawn(path):
                plots.draw(each, KEPT / f"{path.stem}-{each.name}.svg")
    for page in PAGES.glob("*.md"):
        text = page.read_text()
        written = rewritten(text)
        if written != text:
            page.write_text(written)
            print(f"wrote {page}")


def left_by(section: str, folder: Path = FOLDER) -> list[Path]:
    return [folder / f"{section}.json", *sorted(folder.glob(f"{section}_*.json"))]


def drawn(path: Path) -> list[Bars | Lines]:
    return [each for each in read(path).shown if not isinstance(each, Table)]


def rewritten(text: str) -> str:
    """Return the page with what the kept reports say in its regions."""
    reports = {path.stem: read(path) for path in sorted(KEPT.glob("*.json"))}

    def region(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name == "goals":
            return f"{begin}\n{goals(reports)}\n\n{end}"
        return f"{begin}\n{body(reports[name])}\n\n{end}" if name in reports else found[0]

    return REGION.sub(region, text)


def goals(reports: dict[str, Report]) -> str:
    rows = [
        (goal.what, number(goal.figure), goal.wanted, "yes" if goal.is_reached else "**no**")
        for report in reports.values()
        for goal in report.goals
    ]
    return Table(["goal", "measured", "wanted", "reached"], rows).markdown()


def body(report: Report) -> str:
    facts = dict(report.machine)
    day, machine = facts.pop("day"), facts.pop("machine")
    versions = ", ".join(f"{name} {version}" for name, version in facts.items())
    parts = [f"{day}, {machine}: {versions}. {report.method}"]
    for each in report.shown:
        if isinstance(each, Table):
            parts += [part for part in (each.caption, each.markdown()) if part]
        else:
            parts.append(f"![{each.title}]({KEPT.name}/{report.section}-{each.name}.svg)")
    return "\n\n".join(parts)


if __name__ == "__main__":
    publish(sys.argv[1:])
