"""What other packages put into the admin and ours does without."""

from django.contrib import admin
from django.contrib.auth.models import Group

from core.jobs.admin import hide_jobs

admin.site.unregister(Group)  # who may do what is decided by organizations, not by Django's groups
hide_jobs()
