"""What development begins with: people and things to look at. Each app registers its own.

They run in the order of INSTALLED_APPS, so that an app finds what the ones below it made: whatever
belongs to an organization is seeded into `acme-lamps` by the app that knows of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody to sign in as. `role` says in a few words what for; `make run` prints it."""

    email: str
    password: str
    role: str


Seed = Callable[[], Sequence[Login]]
"""Makes what is not there yet, leaves what is there as it is, and returns the logins to print: the
two or three that somebody who looks around wants, not everybody."""

_seeds: dict[str, Seed] = {}


def register(name: str, seed: Seed) -> None:
    """Add a seed; a second one of the same name replaces the first."""
    _seeds[name] = seed


def seed() -> list[Login]:
    """Run all of them; twice does no harm."""
    return [login for plant in list(_seeds.values()) for login in plant()]
