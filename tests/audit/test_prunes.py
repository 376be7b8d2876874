from datetime import timedelta
from typing import Any

from django.utils import timezone

from audit.models import AuditEntry
from audit.prunes import prune_entries
from core import pruning
from core.jobs.rows import execute
from core.models import new_id
from tests.audit.entries import entry


def aged(days: int) -> AuditEntry:
    return entry(new_id(), created_at=timezone.now() - timedelta(days=days))


def test_entries_go_after_their_time(db: None, settings: Any) -> None:
    settings.AUDIT_RETENTION_DAYS = 30
    old, young = aged(31), aged(29)
    now = timezone.now()

    assert prune_entries(now, True) == 1
    assert AuditEntry.objects.count() == 2
    assert prune_entries(now, False) == 1
    assert prune_entries(now, False) == 0
    assert AuditEntry.objects.get() == young != old


def test_they_may_be_kept_for_ever(db: None, settings: Any) -> None:
    settings.AUDIT_RETENTION_DAYS = 0
    aged(10_000)

    assert prune_entries(timezone.now(), False) == 0
    assert AuditEntry.objects.count() == 1


def test_the_oldest_go_first_and_in_batches(db: None) -> None:
    entries = [aged(days) for days in (3, 1, 2)]

    assert AuditEntry.objects.all().remove_some(2) == 2
    assert AuditEntry.objects.get() == entries[1]


def test_the_daily_prune_knows_of_them() -> None:
    assert "audit entries" in pruning._prunes


def test_what_is_old_is_found_by_an_index(db: None) -> None:
    old = AuditEntry.objects.before(timezone.now())
    for way in ("seqscan", "sort"):  # which an empty table may always be given
        execute(f"SET LOCAL enable_{way} = off")

    plan = old.order_by("created_at", "id")[:10].explain()

    assert "audit_newest_of_all" in plan
