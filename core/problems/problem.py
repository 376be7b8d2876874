"""What the page of one problem type says."""

from dataclasses import dataclass


def slug(code: str) -> str:
    """Return how the code stands in an address: validation_error becomes validation-error."""
    return code.replace("_", "-")


@dataclass(frozen=True)
class Problem:
    """One code and its page. `code` is public API; the words are free to improve."""

    code: str
    title: str
    statuses: tuple[int, ...]
    meaning: str
    """What happened, and what was not lost."""
    advice: str
    """What to do next."""
    in_errors: bool = False
    """True for the codes of single fields, which stand inside `errors`."""

    @property
    def slug(self) -> str:
        return slug(self.code)
