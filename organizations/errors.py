from core.errors import ConflictError, ForbiddenError


class OrganizationSuspendedError(ForbiddenError):
    code = "organization_suspended"
    detail = "This organization is suspended: it can be read, and nothing in it can be changed."


class LastOwnerError(ConflictError):
    code = "last_owner"
    detail = "An organization needs an owner. Make somebody else an owner first."


class AlreadyMemberError(ConflictError):
    code = "already_member"
    detail = "This person belongs to the organization already. Their role is as it was."


class RoleInUseError(ConflictError):
    def __init__(self, count: int) -> None:
        who = "1 member holds" if count == 1 else f"{count} members hold"
        super().__init__(f"{who} this role. Name the role they get instead in `reassign_to`.")
