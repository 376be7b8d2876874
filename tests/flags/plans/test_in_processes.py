"""Planned changes in real processes, of which none is a worker."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from flags.models import FlagChange, FlagRules, PlannedChange
from flags.plans import settling
from flags.services import keys, planning, rules
from tests.flags.conftest import AUTHOR, make_flag
from tests.flags.test_in_processes import in_parallel, until, value
from tests.servers import running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.server]


def test_a_server_changes_its_answer_when_the_moment_comes(tmp_path: Path) -> None:  # FLG 17
    make_flag()
    _, secret, _ = keys.create(name="k", environment="production", author=AUTHOR)
    with running(tmp_path / "log", FLAGS_POLL_S="600") as server:
        assert value(server, secret) is True
        due_at = timezone.now() + timedelta(seconds=3)
        planning.plan(name="lamp", author=AUTHOR, now=timezone.now(), due_at=due_at, enabled=False)

        until(lambda: value(server, secret) is False)

        assert timezone.now() >= due_at
        assert server.stop() == 0
    assert FlagRules.objects.get().enabled  # nobody has made it lasting
    assert PlannedChange.objects.get().state == "scheduled"


def test_many_who_settle_at_once_apply_it_once() -> None:  # FLG 17
    make_flag()
    later = timezone.now() + timedelta(hours=1)
    planning.plan(name="lamp", author=AUTHOR, now=timezone.now(), due_at=later, enabled=False)

    def settle() -> int:
        return settling.settle(now=later)

    def edit() -> str:
        change = rules.change(name="lamp", author=AUTHOR, now=later, ends_at=later)
        return str(change.version)

    results = in_parallel(settle, edit, settle, settle)

    assert sum(each for each in results if isinstance(each, int)) <= 1
    row = FlagRules.objects.get()
    assert (row.enabled, row.ends_at, row.version) == (False, later, 4)
    assert PlannedChange.objects.get().state == "applied"
    assert FlagChange.objects.filter(source="schedule").count() == 1
