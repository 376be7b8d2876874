"""Row-level security: PostgreSQL as a second wall between tenants, behind TENANT_RLS=1.

A confined process works as the role ROLE, which sees those rows alone that the scope of its
transaction covers: one organization's `within(id)`, all of them `everywhere()`, and none without
either. Scopes are set LOCAL to the transaction, so that no pooled connection carries one on.
Processes that are not confined (commands, migrations, workers) work as the owner of the tables,
whom the policies do not hold.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from psycopg.errors import Diagnostic

log = structlog.get_logger(__name__)

ROLE = "tenantry_tenant"
EVERYWHERE = "*"
NO_SCOPE = "rows of organizations were asked for outside of any scope"

_SWAP = """
SELECT coalesce(current_setting('tenantry.scope', true), ''), set_config('tenantry.scope', %s, true)
"""

_confined = False


def confine() -> None:
    """Have every connection that this process opens from now on work as ROLE."""
    global _confined
    _confined = settings.TENANT_RLS


def role() -> str | None:
    """Return the role of new connections; None: the one they sign in as."""
    return ROLE if _confined else None


@contextmanager
def within(organization_id: UUID) -> Iterator[None]:
    """Let what follows see one organization's rows; a transaction, where the wall is up."""
    with _scope(str(organization_id)):
        yield


@contextmanager
def everywhere() -> Iterator[None]:
    """Let what follows see every organization's rows: what a person has in several, staff's lists.

    A transaction, where the wall is up. Also a decorator, as `within` is not.
    """
    with _scope(EVERYWHERE):
        yield


@contextmanager
def _scope(scope: str) -> Iterator[None]:
    if not settings.TENANT_RLS:
        yield
        return
    with transaction.atomic():
        before = _swap(scope)
        yield
        _swap(before)  # after an error the rollback does it


def _swap(scope: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_SWAP, [scope])
        return str(cursor.fetchone()[0])


def tell(notice: Diagnostic) -> None:
    """Log what the server warns of: above all a statement that the wall let see nothing."""
    if notice.severity_nonlocalized == "WARNING":
        log.warning("postgres.warning", message=notice.message_primary)
