"""Every problem type the API answers with (RFC 9457), and the words of its page.

A product app adds its own codes with `register` from its `apps.py`.
"""

from core.problems.access import ACCESS
from core.problems.availability import AVAILABILITY
from core.problems.problem import Problem, slug
from core.problems.request import FIELDS, REQUEST
from core.problems.state import LINKS, STATE

__all__ = ["CATALOG", "Problem", "by_slug", "register", "slug"]

CATALOG: dict[str, Problem] = {}


def register(problem: Problem) -> None:
    """Add a code. The same entry twice is fine; a second meaning for one code is a bug."""
    if CATALOG.setdefault(problem.code, problem) != problem:
        raise ValueError(f"The problem code {problem.code!r} already has another meaning.")


def by_slug(slug: str) -> Problem | None:
    """Return the problem of a page address, or None when there is no such page."""
    problem = CATALOG.get(slug.replace("-", "_"))
    return problem if problem and problem.slug == slug else None


for _problem in (*REQUEST, *FIELDS, *ACCESS, *STATE, *LINKS, *AVAILABILITY):
    register(_problem)
