"""What a caller can anticipate going wrong. Only core/api/exceptions.py knows HTTP numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One refused value. `pointer` is an RFC 6901 JSON pointer into the body, "" for all of it."""

    pointer: str
    code: str
    detail: str


MAX_PROBLEMS = 20
"""Told in one answer: whoever makes more mistakes corrects these first."""


class ConfigurationError(Exception):
    """A setting is missing or makes no sense. The message is one line for an operator."""


class DomainError(Exception):
    """Base of every anticipated refusal. `code` is public API and never changes its meaning."""

    code: ClassVar[str] = "conflict"
    detail: ClassVar[str] = "This can't be done right now. Nothing was changed."
    members: Mapping[str, str] = MappingProxyType({})
    """What a program may want to know besides, as members of the problem (RFC 9457, 3.2)."""

    def __init__(
        self, detail: str | None = None, *, retry_after_seconds: int | None = None
    ) -> None:
        self.message = detail or type(self).detail
        self.retry_after_seconds = retry_after_seconds
        super().__init__(self.message)


class InvalidError(DomainError):
    """The input breaks a rule that no serializer could know."""

    code = "validation_error"
    detail = "Some fields need another value. Nothing was saved."

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__()
        self.problems = list(problems[:MAX_PROBLEMS])


class UnauthenticatedError(DomainError):
    """The caller's credentials do not hold."""

    code = "not_authenticated"
    detail = "Sign in first: this call needs an access token."


class ForbiddenError(DomainError):
    """The caller sees the object and may not do this to it."""

    code = "forbidden"
    detail = "You may see this, but your role does not allow changing it."


class NotFoundError(DomainError):
    """It is not there, or not for this caller: the two look the same."""

    code = "not_found"
    detail = "There is nothing here, or nothing you may see."


class ConflictError(DomainError):
    """The state of things stands against it."""


class GoneError(DomainError):
    """It was there, and is over."""

    code = "token_unknown"
    detail = "This link does not work. Ask for a new one."


class PreconditionFailedError(DomainError):
    code = "precondition_failed"
    detail = "Somebody changed this in the meantime. Read it again, then decide."


class UnprocessableError(DomainError):
    code = "idempotency_mismatch"
    detail = "This Idempotency-Key was used with another request. Use a new key."


class RateLimitedError(DomainError):
    code = "rate_limited"
    detail = "Too many requests. Wait as long as Retry-After says, then try again."


class UnavailableError(DomainError):
    """A store is away; trying again soon is right."""

    code = "database_unavailable"
    detail = "The database can't be reached. Nothing was changed; try again in a moment."
