# PLT 18: append-only, by the database itself.

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from audit.models import AuditEntry
from core.jobs.rows import execute, select
from core.models import new_id
from tests.audit.entries import entry

REFUSED = [
    "UPDATE audit_auditentry SET action = 'nothing.happened'",
    "UPDATE audit_auditentry SET ip_address = NULL",
    "DELETE FROM audit_auditentry",
    "TRUNCATE audit_auditentry",
    "TRUNCATE audit_auditentry, accounts_user CASCADE",
]
CHANGES = [
    *("action = 'x'", "actor_id = NULL", "actor_kind = 'system'", "organization_id = NULL"),
    *("target_id = 'x'", "target_type = 'x'", "before = '{\"a\": 1}'", "after = '{\"a\": 1}'"),
    *("request_id = 'x'", "created_at = now()", "id = gen_random_uuid()"),
    "ip_address = '203.0.113.7'",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_an_entry_stays_as_it_was_written(db: None, statement: str) -> None:
    made = entry(new_id())

    with pytest.raises(ProgrammingError, match="kept as they were written"), transaction.atomic():
        execute(statement)

    assert AuditEntry.objects.get() == made


def test_neither_do_models_change_one(db: None) -> None:
    made = entry(new_id())

    for attempt in (
        lambda: AuditEntry.objects.change(made, action="x"),
        lambda: AuditEntry.objects.remove(made),
        lambda: AuditEntry.objects.all().delete(),
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            attempt()

    assert AuditEntry.objects.get().action == "member.joined"


@pytest.mark.parametrize("change", CHANGES)
def test_who_may_erase_can_erase_an_address_and_rewrite_nothing(db: None, change: str) -> None:
    entry(new_id())
    execute("SET LOCAL audit.erasing = 'on'")

    with pytest.raises(ProgrammingError, match="only the IP address"), transaction.atomic():
        execute(f"UPDATE audit_auditentry SET {change}")
    execute("UPDATE audit_auditentry SET ip_address = NULL")


def test_the_permission_ends_with_the_erasure(db: None) -> None:
    mine, other = entry(new_id()), entry(new_id())

    AuditEntry.objects.for_organization(mine.organization_id).remove_all()  # type: ignore[arg-type]

    assert select("SELECT current_setting('audit.erasing') AS setting") == [{"setting": "off"}]
    with pytest.raises(ProgrammingError), transaction.atomic():
        execute("DELETE FROM audit_auditentry")
    assert AuditEntry.objects.get() == other


@pytest.mark.django_db(transaction=True)
def test_the_permission_is_gone_after_an_erasure_that_was_rolled_back() -> None:
    entry(new_id())

    with transaction.atomic():
        assert AuditEntry.objects.erase_addresses() == 1
        transaction.set_rollback(True)
    with pytest.raises(ProgrammingError):
        execute("DELETE FROM audit_auditentry")

    assert AuditEntry.objects.get().ip_address == "192.0.2.1"


@pytest.mark.django_db(transaction=True)
def test_a_flush_of_the_database_is_refused_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    entry(new_id())
    flush = type(connection.ops).sql_flush
    monkeypatch.setattr(
        type(connection.ops), "sql_flush", lambda *args, **options: flush(*args, **options)[1:]
    )

    with pytest.raises(CommandError, match="couldn't be flushed"):
        call_command("flush", verbosity=0, interactive=False)

    assert AuditEntry.objects.count() == 1
    monkeypatch.undo()


def test_addresses_go_over_many_batches(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = new_id()
    moment = timezone.now()
    AuditEntry.objects.add_all(
        AuditEntry(
            created_at=moment - timedelta(seconds=number // 10),  # ten at each moment
            actor_kind="user",
            actor_id=mine,
            ip_address="192.0.2.1" if number % 3 else None,
        )
        for number in range(2_500)
    )
    entry(None)

    assert AuditEntry.objects.concerning(mine).erase_addresses() == 1_666
    assert AuditEntry.objects.exclude(ip_address=None).count() == 1
    assert AuditEntry.objects.concerning(mine).remove_all() == 2_500
    assert AuditEntry.objects.count() == 1
