"""Invitations, mailed ones and links, offer custom roles of their own organization alone."""

from django.db import migrations

TABLES = {
    "invitations_invitation": "invitation_custom_role_tenant",
    "invitations_invitationlink": "invitation_link_custom_role_tenant",
}

OWN_ROLES = """
ALTER TABLE {table} ADD CONSTRAINT {name}
  FOREIGN KEY (organization_id, custom_role_id)
  REFERENCES organizations_customrole (organization_id, id) DEFERRABLE INITIALLY DEFERRED
"""

ANY_ROLES = "ALTER TABLE {table} DROP CONSTRAINT {name}"


class Migration(migrations.Migration):
    dependencies = [
        ("invitations", "0001_invitations"),
        ("organizations", "0002_invariants_across_rows"),
    ]

    operations = [
        migrations.RunSQL(
            OWN_ROLES.format(table=table, name=name), ANY_ROLES.format(table=table, name=name)
        )
        for table, name in TABLES.items()
    ]
