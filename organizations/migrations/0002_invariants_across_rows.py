"""What no column or row can hold by itself.

An organization that is not deleted has an active owner at every commit, whoever changes what: the
services say it kindly, and this keeps it. Checks of one organization take turns on a lock that
nothing else takes, so that of two transactions that each demote another owner the later one sees
what the earlier one did. (On the organization's row they waited in a circle: a statement by hand
holds memberships by then, and a service that holds the organization waits for these.) The check
works as the owner of the tables: row-level security hides nothing from it.

A membership holds a custom role of its own organization.
"""

from django.db import migrations

REQUIRE_OWNER = """
CREATE FUNCTION organizations_require_owner() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public AS $$
DECLARE
  concerned uuid;
BEGIN
  IF TG_TABLE_NAME = 'organizations_organization' THEN
    concerned := NEW.id;
  ELSE
    concerned := OLD.organization_id;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('owners of ' || concerned::text, 0));
  IF EXISTS (
    SELECT FROM organizations_organization WHERE id = concerned AND deletion_due_at IS NULL
  ) AND NOT EXISTS (
    SELECT FROM organizations_membership
    WHERE organization_id = concerned AND role = 'owner' AND state = 'active'
  ) THEN
    RAISE EXCEPTION 'organization % would be left without an owner', concerned
      USING ERRCODE = 'check_violation', CONSTRAINT = 'organization_has_an_owner';
  END IF;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER organization_keeps_an_owner
  AFTER UPDATE ON organizations_membership DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (
    OLD.role = 'owner' AND OLD.state = 'active' AND (
      NEW.role <> 'owner' OR NEW.state <> 'active' OR NEW.organization_id <> OLD.organization_id
    )
  )
  EXECUTE FUNCTION organizations_require_owner();

CREATE CONSTRAINT TRIGGER organization_keeps_an_owner_of_rows
  AFTER DELETE ON organizations_membership DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.role = 'owner' AND OLD.state = 'active')
  EXECUTE FUNCTION organizations_require_owner();

CREATE CONSTRAINT TRIGGER organization_begins_with_an_owner
  AFTER INSERT ON organizations_organization DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION organizations_require_owner();

CREATE CONSTRAINT TRIGGER organization_returns_with_an_owner
  AFTER UPDATE OF deletion_due_at ON organizations_organization DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.deletion_due_at IS NOT NULL AND NEW.deletion_due_at IS NULL)
  EXECUTE FUNCTION organizations_require_owner();
"""

REQUIRE_NOTHING = """
DROP TRIGGER organization_returns_with_an_owner ON organizations_organization;
DROP TRIGGER organization_begins_with_an_owner ON organizations_organization;
DROP TRIGGER organization_keeps_an_owner_of_rows ON organizations_membership;
DROP TRIGGER organization_keeps_an_owner ON organizations_membership;
DROP FUNCTION organizations_require_owner();
"""

OWN_ROLES = """
ALTER TABLE organizations_membership ADD CONSTRAINT membership_custom_role_tenant
  FOREIGN KEY (organization_id, custom_role_id)
  REFERENCES organizations_customrole (organization_id, id) DEFERRABLE INITIALLY DEFERRED
"""

ANY_ROLES = "ALTER TABLE organizations_membership DROP CONSTRAINT membership_custom_role_tenant"


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_organizations_and_members")]

    operations = [
        migrations.RunSQL(REQUIRE_OWNER, REQUIRE_NOTHING),
        migrations.RunSQL(OWN_ROLES, ANY_ROLES),
    ]
