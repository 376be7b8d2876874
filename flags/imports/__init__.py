"""Flags out of other systems: each module reads one format into what `plain` names."""
