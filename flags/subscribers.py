"""How flags react to their own changes. Imported by FlagsConfig.ready()."""

from core.events import on_committed
from flags import following, snapshots
from flags.events import RulesetChanged


@on_committed(RulesetChanged)
def see_and_tell(event: RulesetChanged) -> None:
    """Tell others, who then read while this process does: whoever changed something sees it."""
    for environment in event.environments:
        following.tell(environment)
    for environment in event.environments:
        snapshots.refresh(environment)
