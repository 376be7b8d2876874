"""Whether flags answer by what the database holds, for probes and whoever asks."""

from django.conf import settings

from flags import snapshots


def is_stale() -> bool:
    """Tell whether this process answers by what it knew last, because the database is away."""
    return snapshots.is_stale(settings.FLAGS_ENVIRONMENT)


async def flags_are_fresh() -> bool:
    """For /health/ready; looks at memory alone."""
    return not is_stale()
