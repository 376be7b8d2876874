"""What was mailed during a test: runs the waiting jobs and reads the outbox."""

import re
from typing import Any

import orjson
from django.core import mail

from accounts import mails
from accounts.models import User
from core import tokens
from core.jobs.rows import select
from core.models import MailedToken


def newest_token(user: User) -> str:
    """Mail the newest verification link of a person and return the token in it."""
    token = MailedToken.objects.of("verify_email", user.pk).order_by("-created_at", "-id").first()
    assert token is not None
    return mailed_token(user, token)


def mailed_token(user: User, token: MailedToken) -> str:
    mails.send_link(token_id=token.pk, now=token.created_at)
    body = str(mail.outbox[-1].body)
    found = re.search(r"/verify-email/([A-Za-z0-9_-]{43})", body)
    assert found is not None
    return found[1]


def waiting_mails(user: User) -> list[dict[str, Any]]:
    """Return the jobs that will mail a link to a person."""
    query = (
        "SELECT * FROM procrastinate_jobs"
        " WHERE args->>'token_id' = ANY(%(ids)s) AND status = 'todo'"
    )
    links = [str(token.pk) for token in MailedToken.objects.filter(subject_id=user.pk)]
    return [{"arguments": orjson.loads(row["args"])} for row in select(query, ids=links)]


def newest_secret(subject_id: Any, purpose: str) -> str:
    """Return what the newest link of a purpose would hold, without mailing it."""
    token = MailedToken.objects.of(purpose, subject_id).order_by("-created_at", "-id").first()
    assert token is not None, f"no {purpose} was issued"
    return tokens.secret_of(token)


def queued(job_name: str) -> list[dict[str, Any]]:
    """Return the arguments of the jobs of a name that wait, without what logs need."""
    query = (
        "SELECT args FROM procrastinate_jobs WHERE task_name = %(name)s AND status = 'todo'"
        " ORDER BY id"
    )
    found = [orjson.loads(row["args"]) for row in select(query, name=job_name)]
    return [{k: v for k, v in args.items() if k != "_context"} for args in found]
