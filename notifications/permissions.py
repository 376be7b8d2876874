"""What notifications add to what a member may be allowed. Registered by NotificationsConfig."""

from organizations import permissions
from organizations.permissions import SystemRole

SEND = "notifications.send"


def register() -> None:
    permissions.register(SEND, "Send notifications to members", least=SystemRole.ADMIN)
