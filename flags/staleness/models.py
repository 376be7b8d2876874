from django.db import models
from django.utils import timezone

from flags.staleness.repositories import StaleFlagRepository


class StaleFlag(models.Model):
    """A flag that the daily look found forgotten; the row goes when it is not any more."""

    flag = models.OneToOneField("flags.Flag", models.CASCADE, primary_key=True, related_name="+")
    why = models.CharField(max_length=200)
    found_at = models.DateTimeField("found", default=timezone.now, editable=False)
    told_at = models.DateTimeField("owner told", null=True)
    """When its owner was told; that happens once."""

    objects = StaleFlagRepository.as_manager()

    class Meta:
        verbose_name = "stale flag"
        indexes = [models.Index(fields=["-found_at", "-flag"], name="stale_flag_newest")]

    def __str__(self) -> str:
        flag = self._state.fields_cache.get("flag")
        return str(flag or self.pk)
