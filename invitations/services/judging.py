"""Whether somebody may be invited: every row of a request is judged by the same circumstances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts import addresses
from core.errors import DomainError, FieldProblem, InvalidError
from invitations.errors import AlreadyInvitedError
from invitations.models import Invitation, InvitationPolicy
from organizations import access, permissions
from organizations.access import Rights, Role
from organizations.errors import AlreadyMemberError
from organizations.models import Membership

State = Membership.State


@dataclass(frozen=True, slots=True)
class Wish:
    """Whom somebody wants to invite, as what."""

    email: str
    role: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An invitation that nothing stands against."""

    email: str
    email_normalized: str
    role: Role
    message: str
    expired: Invitation | None
    """The one before, which it takes the place of."""


def judge(
    organization_id: UUID, rights: Rights, wishes: Sequence[Wish | DomainError], *, now: datetime
) -> list[Draft | DomainError]:
    """Return for each what can be sent, or what stands against it; in the order given.

    Call with the organization locked.
    """
    judge = _Judge(organization_id, rights, wishes, now)
    return [judge.verdict(wish) for wish in wishes]


class _Judge:
    """Reads what all rows are judged by once."""

    def __init__(
        self,
        organization_id: UUID,
        rights: Rights,
        wishes: Sequence[Wish | DomainError],
        now: datetime,
    ) -> None:
        self.organization_id, self.rights, self.now = organization_id, rights, now
        wanted = {_normal(wish.email) for wish in wishes if isinstance(wish, Wish)}
        here = Invitation.objects.for_organization(organization_id)
        members = Membership.objects.for_organization(organization_id)
        self.policy = InvitationPolicy.objects.of(organization_id)
        self.open = here.open().addressed_to(*wanted).by_address()
        self.members = members.by_address(wanted)
        self.roles: dict[str, Role] = {}
        self.seen: set[str] = set()

    def verdict(self, wish: Wish | DomainError) -> Draft | DomainError:
        if isinstance(wish, DomainError):
            return wish
        try:
            return self._draft(wish)
        except DomainError as error:
            return error

    def _draft(self, wish: Wish) -> Draft:
        email = _checked(wish.email)
        normal = addresses.normalize(email)
        role = self._role(wish.role)
        require_admitted(self.policy, normal)
        self._require_no_member(normal)
        before = self.open.get(normal)
        if before is not None and before.is_pending(now=self.now):
            raise AlreadyInvitedError(before.pk)
        if normal in self.seen:
            raise AlreadyInvitedError(None)
        self.seen.add(normal)
        return Draft(email, normal, role, wish.message.strip(), before)

    def _role(self, key: str) -> Role:
        if key not in self.roles:
            self.roles[key] = access.role(self.organization_id, key)
        self.rights.require_grant(self.roles[key].permissions)
        return self.roles[key]

    def _require_no_member(self, normal: str) -> None:
        """Raises AlreadyMemberError; or ForbiddenError for a former member nobody may bring back
        without the right to, and as with `members.reinstate`, without every right they had.
        """
        membership = self.members.get(normal)
        if membership is None:
            return
        if membership.state in {State.ACTIVE, State.LEAVING}:
            raise AlreadyMemberError
        self.rights.require(permissions.RESTORE_MEMBERS)
        if membership.state == State.SUSPENDED:
            self.rights.require_grant(membership.permissions())


def require_admitted(policy: InvitationPolicy, email_normalized: str) -> None:
    """Raises InvalidError for an address of a domain that the organization does not invite."""
    if not policy.admits(email_normalized):
        detail = "This organization invites no addresses of this domain."
        raise InvalidError(FieldProblem("/email", "invalid", detail))


def _checked(email: str) -> str:
    try:
        return addresses.canonical(email)
    except ValueError as error:
        raise InvalidError(FieldProblem("/email", "invalid", str(error))) from None


def _normal(email: str) -> str:
    try:
        return addresses.normalize(email)
    except ValueError:
        return ""
