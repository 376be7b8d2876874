"""What core itself has to throw away, and when. Registered by CoreConfig.ready()."""

from datetime import datetime, timedelta

from core import pruning
from core.api.idempotency import KEPT_FOR
from core.models import IdempotentAnswer, MailedToken

TOKENS_KEPT_FOR = timedelta(days=30)
"""After its expiry: so long a link still says why it does not work."""


def register() -> None:
    pruning.register("idempotent answers", prune_answers)
    pruning.register("mailed links", prune_tokens)


def prune_answers(now: datetime, dry_run: bool) -> int:
    old = IdempotentAnswer.objects.given_before(now - KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)


def prune_tokens(now: datetime, dry_run: bool) -> int:
    old = MailedToken.objects.expired_before(now - TOKENS_KEPT_FOR)
    return old.count() if dry_run else pruning.in_batches(old.remove_some)
