"""Notifications by mail: one at once, or many in a digest."""
