"""How the generated reference looks in Markdown."""

from collections.abc import Iterable, Sequence


class Stale(Exception):
    """The pages and the code do not fit together. One line for whoever has to write."""


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[cell.replace("\n", " ").replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def code(text: object) -> str:
    return f"`{text}`"
