"""Durable jobs on PostgreSQL. Nothing else in the product knows procrastinate."""

from core.jobs.registry import Job, job, periodic

__all__ = ["Job", "job", "periodic"]
