"""Feature flags: `flags.is_enabled("new_dashboard", user=…, organization=…, default=False)`.

What is imported here needs no models, so that any module may import it.
"""

from flags.asking import Chosen as Chosen
from flags.asking import ais_enabled as ais_enabled
from flags.asking import answer as answer
from flags.asking import atrack as atrack
from flags.asking import avariant as avariant
from flags.asking import flag_override as flag_override
from flags.asking import is_enabled as is_enabled
from flags.asking import one_version as one_version
from flags.asking import track as track
from flags.asking import variant as variant
from flags.freshness import is_stale as is_stale
