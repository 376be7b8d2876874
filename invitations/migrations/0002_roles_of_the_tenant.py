"""An invitation, or a link, offers a custom role of its own organization."""

from django.db import migrations

OWN_ROLES = """
ALTER TABLE invitations_invitation ADD CONSTRAINT invitation_custom_role_tenant
  FOREIGN KEY (organization_id, custom_role_id)
  REFERENCES organizations_customrole (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE invitations_invitationlink ADD CONSTRAINT invitation_link_custom_role_tenant
  FOREIGN KEY (organization_id, custom_role_id)
  REFERENCES organizations_customrole (organization_id, id) DEFERRABLE INITIALLY DEFERRED
"""

ANY_ROLES = """
ALTER TABLE invitations_invitation DROP CONSTRAINT invitation_custom_role_tenant;
ALTER TABLE invitations_invitationlink DROP CONSTRAINT invitation_link_custom_role_tenant
"""


class Migration(migrations.Migration):
    dependencies = [
        ("invitations", "0001_invitations"),
        ("organizations", "0002_invariants_across_rows"),
    ]

    operations = [migrations.RunSQL(OWN_ROLES, ANY_ROLES)]
