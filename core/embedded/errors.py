"""What can go wrong with the embedded stores."""

from core.errors import ConfigurationError


class EmbeddedError(ConfigurationError, RuntimeError):
    """The message is one line for a person: what happened and what to do next."""


class AlreadyRunningError(EmbeddedError):
    """Somebody else holds the lock we may not wait for."""
