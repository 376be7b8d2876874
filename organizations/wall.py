"""The policies of row-level security on every table of tenants' rows, those of your apps included.

`migrate` puts them up where TENANT_RLS=1. Where it is off again they stay, and hold nobody.
"""

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from core.diagnostics import Finding, fail, ok
from core.postgres.row_security import EVERYWHERE, NO_SCOPE, ROLE
from organizations.models import Organization, TenantModel

# The function warns, so that a query that saw nothing is found in the log; in a sub-select it runs
# once a statement. Triggers that look at other rows work as the owner: a constraint holds for all.
_ROLE_AND_SCOPE = f"""
DO $$ BEGIN
  CREATE ROLE {ROLE} NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT {ROLE} TO CURRENT_USER;
GRANT USAGE ON SCHEMA public TO {ROLE};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {ROLE};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {ROLE};

CREATE OR REPLACE FUNCTION tenantry_scope() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF coalesce(current_setting('tenantry.scope', true), '') = '' THEN
    RAISE WARNING '{NO_SCOPE}';
    RETURN NULL;
  END IF;
  RETURN current_setting('tenantry.scope', true);
END $$;
"""

_POLICY = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant ON {table};
CREATE POLICY tenant ON {table} TO {role} USING (
  (SELECT tenantry_scope()) IN ('{everywhere}', {column}::text)
);
"""


def put_up() -> None:
    """Make role, function and policies, or make them anew; nothing where TENANT_RLS is off."""
    if not settings.TENANT_RLS:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_ROLE_AND_SCOPE)
        for table, column in columns().items():
            names = {"table": table, "column": column, "role": ROLE, "everywhere": EVERYWHERE}
            cursor.execute(_POLICY.format(**names))


def finding() -> Finding:
    """Tell `doctor` whether the wall stands where it should."""
    if not settings.TENANT_RLS:
        return ok("off (TENANT_RLS)")
    bare = sorted(unguarded())
    if bare:
        return fail(f"no policy on {', '.join(bare)}", advice="Run: python manage.py migrate")
    return ok(f"{len(columns())} tables")


def unguarded() -> set[str]:
    """Return the tables of tenants' rows that have no policy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_policies WHERE policyname = 'tenant'")
        return columns().keys() - {str(name) for (name,) in cursor.fetchall()}


def columns() -> dict[str, str]:
    """Return each table of tenants' rows, and the column that says whose a row is."""
    tenants = [model for model in apps.get_models() if issubclass(model, TenantModel)]
    named = {model._meta.db_table: "organization_id" for model in tenants}
    return {Organization._meta.db_table: "id", **named}
