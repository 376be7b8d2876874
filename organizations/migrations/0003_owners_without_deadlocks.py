"""Keep an owner in every organization without ever waiting in a circle.

The check locked the organization. A statement by hand holds memberships by then, and a service that
holds the organization waits for these: neither went on, and PostgreSQL ended one of them. Checks of
one organization now take turns on a lock that nothing else takes; the later one sees what the
earlier one committed.

Rows that were no owner's before, or still are, are not looked at.
"""

from django.db import migrations

TAKING_TURNS = """
CREATE OR REPLACE FUNCTION organizations_require_owner() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP TRIGGER organization_keeps_an_owner ON organizations_membership;
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
"""

LOCKING_THE_ORGANIZATION = """
CREATE OR REPLACE FUNCTION organizations_require_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  concerned uuid;
BEGIN
  IF TG_TABLE_NAME = 'organizations_organization' THEN
    concerned := NEW.id;
  ELSE
    concerned := OLD.organization_id;
  END IF;
  PERFORM FROM organizations_organization
    WHERE id = concerned AND deletion_due_at IS NULL FOR NO KEY UPDATE;
  IF FOUND AND NOT EXISTS (
    SELECT FROM organizations_membership
    WHERE organization_id = concerned AND role = 'owner' AND state = 'active'
  ) THEN
    RAISE EXCEPTION 'organization % would be left without an owner', concerned
      USING ERRCODE = 'check_violation', CONSTRAINT = 'organization_has_an_owner';
  END IF;
  RETURN NULL;
END
$$;

DROP TRIGGER organization_keeps_an_owner_of_rows ON organizations_membership;
DROP TRIGGER organization_keeps_an_owner ON organizations_membership;
CREATE CONSTRAINT TRIGGER organization_keeps_an_owner
  AFTER UPDATE OR DELETE ON organizations_membership DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.role = 'owner' AND OLD.state = 'active')
  EXECUTE FUNCTION organizations_require_owner();
"""


class Migration(migrations.Migration):
    dependencies = [("organizations", "0002_invariants_across_rows")]

    operations = [migrations.RunSQL(TAKING_TURNS, LOCKING_THE_ORGANIZATION)]
