"""Flags that seem forgotten: how they are found, kept, and told of."""
