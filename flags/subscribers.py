"""How flags react to their own changes. Imported by FlagsConfig.ready()."""

from core.events import on_committed
from flags import following, snapshots
from flags.events import RulesetChanged


@on_committed(RulesetChanged)
def see_and_tell(event: RulesetChanged) -> None:
    """Answer by the new rules here at once, so that whoever changed them sees them; tell others."""
    for environment in event.environments:
        snapshots.refresh(environment)
        following.tell(environment)
