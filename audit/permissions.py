"""What audit adds to what a member may be allowed. Registered by AuditConfig.ready()."""

from organizations import permissions
from organizations.permissions import SystemRole

READ = "audit.read"


def register() -> None:
    permissions.register(READ, "Read and export the audit log", least=SystemRole.ADMIN)
