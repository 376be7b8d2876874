"""What a role may allow about invitations. Imported by InvitationsConfig.ready()."""

from organizations.permissions import SystemRole, register

READ = "invitations.read"
MANAGE = "invitations.manage"

register(READ, "See who is invited", least=SystemRole.ADMIN)
register(MANAGE, "Invite people, and change, resend and revoke invitations", least=SystemRole.ADMIN)
