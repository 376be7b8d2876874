"""How organizations react to what happens to accounts. Imported by OrganizationsConfig.ready()."""

from django.utils import timezone

from accounts.events import (
    AccountDeleted,
    AccountDeletionCancelled,
    AccountDeletionRequested,
)
from core.events import on
from organizations.services import departures


@on(AccountDeletionRequested)
def step_back(event: AccountDeletionRequested) -> None:
    departures.step_back(user_id=event.user_id, due_at=event.due_at, now=timezone.now())


@on(AccountDeletionCancelled)
def return_to_place(event: AccountDeletionCancelled) -> None:
    departures.come_back(user_id=event.user_id)


@on(AccountDeleted)
def purge_what_followed(event: AccountDeleted) -> None:
    departures.purge_what_followed(user_id=event.user_id)
