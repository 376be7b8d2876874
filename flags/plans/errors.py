from core.errors import ConflictError


class ApprovalNeededError(ConflictError):
    code = "approval_needed"
    detail = (
        "Changes in this environment take two people. Nothing was changed: plan it, and somebody "
        "else approves."
    )
