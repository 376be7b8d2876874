from core.errors import ConflictError, PreconditionFailedError


class VersionError(PreconditionFailedError):
    """Somebody was quicker; `members` tells the version that holds now."""

    def __init__(self, version: int) -> None:
        super().__init__()
        self.members = {"version": str(version)}


class FlagNeededError(ConflictError):
    def __init__(self, names: list[str]) -> None:
        super().__init__(f"Other flags depend on this one: {', '.join(names)}.")


class SegmentInUseError(ConflictError):
    def __init__(self, names: list[str]) -> None:
        use = "uses" if len(names) == 1 else "use"
        super().__init__(f"{_count(names)} {use} this segment: {', '.join(names)}.")


class ConfirmationNeededError(ConflictError):
    """What it concerns is more than may have been meant."""

    def __init__(self, names: list[str]) -> None:
        told = f"This changes {_count(names)}: {', '.join(names)}."
        super().__init__(f"{told} Repeat it with `confirm` if that is meant.")


def _count(names: list[str]) -> str:
    return "1 flag" if len(names) == 1 else f"{len(names)} flags"
