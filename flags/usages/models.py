from django.db import models

from flags.usages.repositories import FlagUsageRepository


class FlagUsage(models.Model):
    """How often a flag was asked about in one hour, and what was answered."""

    environment_name = models.CharField(max_length=100)
    flag_name = models.CharField(max_length=255)
    enabled = models.BooleanField()
    variant = models.CharField(max_length=255, blank=True)
    hour = models.DateTimeField()
    count = models.BigIntegerField()

    objects = FlagUsageRepository.as_manager()

    class Meta:
        verbose_name = "usage"
        constraints = [
            models.UniqueConstraint(
                fields=["flag_name", "environment_name", "hour", "enabled", "variant"],
                name="flag_usage_once",
            ),
        ]
        indexes = [models.Index(fields=["hour"], name="flag_usage_hour")]

    def __str__(self) -> str:
        return f"{self.flag_name} {self.hour:%Y-%m-%d %H}"
