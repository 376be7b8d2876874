from django.db import models

from core.jobs.repositories import JobFailureRepository


class JobFailure(models.Model):
    """What went wrong with one job so far; the row is gone as soon as the job succeeds.

    The job itself is a row of procrastinate's. No foreign key: its table is not ours to constrain.
    """

    job_id = models.BigIntegerField(primary_key=True)
    job_name = models.CharField(max_length=128)
    deaths = models.PositiveSmallIntegerField(default=0)
    """Workers that ended without a word while running it."""
    error_class = models.CharField(max_length=200, blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    parked_at = models.DateTimeField(null=True, blank=True)
    """When it was given up; it runs again only when a person says so."""
    reason = models.TextField(blank=True, default="")
    """Why it was parked, for a person to read."""
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = JobFailureRepository.as_manager()

    class Meta:
        app_label = "core"

    def __str__(self) -> str:
        return f"{self.job_name} ({self.job_id})"
