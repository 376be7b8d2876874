"""How organizations react to what happens to accounts. Imported by OrganizationsConfig.ready()."""

from django.utils import timezone

from accounts.events import (
    AccountDeleted,
    AccountDeletionCancelled,
    AccountDeletionRequested,
)
from core.events import on
from core.postgres import row_security
from organizations.services import departures


@on(AccountDeletionRequested)
def step_back(event: AccountDeletionRequested) -> None:
    with row_security.everywhere():
        departures.step_back(user_id=event.user_id, due_at=event.due_at, now=timezone.now())


@on(AccountDeletionCancelled)
def return_to_place(event: AccountDeletionCancelled) -> None:
    with row_security.everywhere():
        departures.come_back(user_id=event.user_id)


@on(AccountDeleted)
def let_go(event: AccountDeleted) -> None:
    with row_security.everywhere():
        departures.let_go(user_id=event.user_id)
