"""Calls to addresses that others chose: to public ones alone, and never for long."""
