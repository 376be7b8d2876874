"""Notifications on devices: browsers by Web Push, phones by their makers' services, and texts."""
