"""Entries are written once: PostgreSQL refuses to change, delete or truncate them.

A transaction that says `SET LOCAL audit.erasing = 'on'` may delete entries, and may take out the IP
address of one, and nothing else of it. audit/repositories.py alone says so, for as long as one of
its methods runs. A `TRUNCATE` is let through in the same way.

Row triggers are inherited by partitions, should the table get some; the one on TRUNCATE would have
to be made for each.
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION audit_keep_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('audit.erasing', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION 'audit entries are kept as they were written: % is refused', TG_OP
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF TG_OP = 'DELETE' THEN
    RETURN OLD;
  ELSIF TG_OP = 'TRUNCATE' THEN
    RETURN NULL;
  END IF;
  OLD.ip_address := NULL;
  IF NEW IS DISTINCT FROM OLD THEN
    RAISE EXCEPTION 'of an audit entry only the IP address can be erased'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON audit_auditentry
  FOR EACH ROW EXECUTE FUNCTION audit_keep_entries();

CREATE TRIGGER audit_entries_stay BEFORE TRUNCATE ON audit_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_keep_entries();
"""

LET_GO = """
DROP TRIGGER audit_entries_stay ON audit_auditentry;
DROP TRIGGER audit_entry_stays ON audit_auditentry;
DROP FUNCTION audit_keep_entries();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_audit_entries")]

    operations = [migrations.RunSQL(KEEP, LET_GO)]
