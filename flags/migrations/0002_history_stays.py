"""The history is written once: PostgreSQL refuses to change, delete or truncate it.

A transaction that says `SET LOCAL audit.erasing = 'on'` may truncate it: that is how tests begin
anew. Nothing of ours says so.
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION flags_keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('audit.erasing', true) = 'on' THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION 'the history of flags is kept as it was written: % is refused', TG_OP
    USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER flag_change_stays BEFORE UPDATE OR DELETE ON flags_flagchange
  FOR EACH ROW EXECUTE FUNCTION flags_keep_history();

CREATE TRIGGER flag_changes_stay BEFORE TRUNCATE ON flags_flagchange
  FOR EACH STATEMENT EXECUTE FUNCTION flags_keep_history();
"""

LET_GO = """
DROP TRIGGER flag_changes_stay ON flags_flagchange;
DROP TRIGGER flag_change_stays ON flags_flagchange;
DROP FUNCTION flags_keep_history();
"""


class Migration(migrations.Migration):
    dependencies = [("flags", "0001_flags")]

    operations = [migrations.RunSQL(KEEP, LET_GO)]
