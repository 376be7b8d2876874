from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import prunes as account_prunes
from accounts.models import SESSION_LIFETIME, User, UserSession
from accounts.services import sessions
from core import prunes, pruning, tokens
from core.jobs import registry
from core.models import IdempotentAnswer, MailedToken


def test_old_answers_go_and_fresh_ones_stay(db: None) -> None:
    now = timezone.now()
    for number, age in enumerate([timedelta(hours=25), timedelta(hours=23)]):
        scope = bytes([number]) * 32
        IdempotentAnswer.objects.keep(scope=scope, body_digest=b"", status=200, sealed=b"")
        IdempotentAnswer.objects.filter(scope=scope).update(created_at=now - age)

    assert prunes.prune_answers(now, True) == 1
    assert prunes.prune_answers(now, False) == 1
    assert prunes.prune_answers(now, False) == 0
    assert IdempotentAnswer.objects.count() == 1


def test_links_are_remembered_for_a_month_after_their_end(user: User) -> None:
    now = timezone.now()
    for age in (timedelta(days=32), timedelta(days=29)):
        tokens.issue(
            purpose="test",
            subject_id=user.pk,
            binding="",
            lifetime=timedelta(days=1),
            now=now - age,
        )

    assert prunes.prune_tokens(now, False) == 1
    assert MailedToken.objects.count() == 1


def test_sessions_go_a_month_after_their_end(user: User) -> None:
    now = timezone.now()
    for age in (31, 29, 0):
        moment = now - timedelta(days=age)
        sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=moment)
        if age:
            sessions.end_every_session(user=user, reason="test", now=moment)

    assert account_prunes.prune_ended_sessions(now, True) == 1
    assert account_prunes.prune_ended_sessions(now, False) == 1
    assert account_prunes.prune_expired_sessions(now, False) == 0
    assert UserSession.objects.count() == 2


def test_sessions_go_a_month_after_they_ran_out(user: User) -> None:
    now = timezone.now()
    for age in (31, 29):
        begun = now - SESSION_LIFETIME - timedelta(days=age)
        sessions.start_session(user=user, device="", ip_address="127.0.0.1", now=begun)

    assert account_prunes.prune_expired_sessions(now, True) == 1
    assert account_prunes.prune_expired_sessions(now, False) == 1
    assert UserSession.objects.count() == 1


@pytest.mark.parametrize("asked", ["ended_before", "expired_before"])
def test_old_sessions_are_found_by_an_index(db: None, asked: str) -> None:
    old = getattr(UserSession.objects, asked)(timezone.now()).order_by()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which an empty table is always given

    plan = old.explain()

    assert "Index" in plan
    assert "Sort" not in plan


def test_every_table_that_grows_is_pruned() -> None:
    registry.load()

    assert pruning._prunes.keys() >= {
        "idempotent answers",
        "jobs",
        "mailed links",
        "sessions that ended",
        "sessions that ran out",
    }
