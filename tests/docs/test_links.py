import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.docs.pages import ROOT, anchors, headings, pages, prose, slug

LINK = re.compile(r"\]\(([^()\s]+)\)")


def links(path: Path) -> list[str]:
    found = LINK.findall(prose(path))
    return [link for link in found if not re.match(r"[a-z][a-z0-9+.-]*:", link)]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / unquote(name) if name else page

        assert target.exists(), f"{link} leads nowhere"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link} has no such heading"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_heading_has_an_anchor_of_its_own(page: Path) -> None:
    slugs = [slug(heading) for heading in headings(page)]

    # Two dashes in a row are where builders of pages disagree about anchors.
    assert [found for found in slugs if "--" in found] == []
    if page.name != "CHANGELOG.md":  # every release has its own Added and Changed
        assert sorted(set(slugs)) == sorted(slugs)
