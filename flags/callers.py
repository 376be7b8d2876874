"""Who asks from outside, which rules answer them, and what they may say of themselves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request

from accounts.models import User
from flags import asking, fields, snapshots
from flags.documents import EMPTY, ORGANIZATION, Snapshot
from flags.engine import Context, Ruleset
from flags.engine.context import ASSIGNED, from_unleash, text
from flags.fields import Subject
from flags.kept import assignments
from flags.models import FlagKey
from organizations.models import Membership

MOST_TEXT = 4096
"""Characters of one value of a context; more is cut off."""


@dataclass(frozen=True, slots=True)
class Caller:
    snapshot: Snapshot | None
    environment: str
    user: User | None
    key: FlagKey | None

    @classmethod
    def of(cls, request: Request) -> "Caller":
        if isinstance(request.auth, FlagKey):
            name = request.auth.environment.name
            return cls(asking.pinned(name), name, None, request.auth)
        name, user = settings.FLAGS_ENVIRONMENT, request.user
        return cls(asking.pinned(name), name, user, None)  # type: ignore[arg-type]  # signed in

    @property
    def rules(self) -> Ruleset:
        return self.snapshot.rules if self.snapshot else EMPTY

    @property
    def version(self) -> int:
        return self.snapshot.version if self.snapshot else 0

    @property
    def is_stale(self) -> bool:
        """Whether the rules may be older than those in the database, which is away."""
        return snapshots.is_stale(self.environment)

    @property
    def is_trusted(self) -> bool:
        """Whether it is a server of ours: it says who is meant, and is told everything."""
        return self.key is not None and self.key.organization_id is None

    def names(self, *, clients_only: bool = False) -> tuple[str, ...]:
        """Return the flags that it is told about."""
        if self.is_trusted and not clients_only:
            return tuple(self.rules)
        return self.snapshot.client_visible if self.snapshot else ()

    def knows(self, name: str) -> bool:
        if self.is_trusted:
            return self.rules.flag(name) is not None
        return self.snapshot is not None and name in self.snapshot.client_visible_set

    def context(self, given: Mapping[str, Any]) -> Context:
        """Return the context: what it says, but for what it may not say."""
        said = dict(_said(given))
        if self.user is not None:
            return self._of_person(said)
        found = {name: text(value)[:MOST_TEXT] for name, value in said.items()}
        found.setdefault("environment", self.environment)
        if not self.is_trusted and self.key is not None:
            found[ORGANIZATION] = str(self.key.organization_id)
        return found

    def _of_person(self, said: dict[str, Any]) -> Context:
        claimed = said.pop(ORGANIZATION, None)
        known = set(fields.names())
        free = {name: text(v)[:MOST_TEXT] for name, v in said.items() if name not in known}
        membership = _membership(self.user, claimed)
        organization = membership.organization if membership else None
        role = membership.role_key if membership else None
        mine = fields.context(Subject(self.user, organization, role), free)
        return mine | assignments.of(self.user, self.snapshot)


def _said(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        is_ours = str(name).startswith(ASSIGNED)
        if isinstance(value, str | int | float | bool) and not is_ours:
            yield str(name), value


def _membership(user: Any, claimed: Any) -> Membership | None:
    """Return the person's place in the organization that they name; None for a stranger's."""
    try:
        organization_id = UUID(str(claimed))
    except ValueError:
        return None
    return Membership.objects.entry(user_id=user.pk, organization_id=organization_id)


def unleash_context(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a client of Unleash as it is compared."""
    named = {name: value for name, value in given.items() if name != "properties"}
    return {**named, **from_unleash(given)}
