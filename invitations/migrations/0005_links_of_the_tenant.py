"""A link offers a custom role of its own organization."""

from django.db import migrations

OWN_ROLES = """
ALTER TABLE invitations_invitationlink ADD CONSTRAINT invitation_link_custom_role_tenant
  FOREIGN KEY (organization_id, custom_role_id)
  REFERENCES organizations_customrole (organization_id, id) DEFERRABLE INITIALLY DEFERRED
"""

ANY_ROLES = "ALTER TABLE invitations_invitationlink DROP CONSTRAINT invitation_link_custom_role_tenant"


class Migration(migrations.Migration):
    dependencies = [
        ("invitations", "0004_links"),
        ("organizations", "0003_long_lists"),
    ]

    operations = [migrations.RunSQL(OWN_ROLES, ANY_ROLES)]
