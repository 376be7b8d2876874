"""Query parameters: read strictly, so that a typo never silently widens a filter."""

from collections.abc import Set as AbstractSet

from rest_framework.request import Request

from core.api.exceptions import UnknownParameterError
from core.errors import MAX_PROBLEMS, FieldProblem, InvalidError


def refuse_unknown(request: Request, known: AbstractSet[str]) -> None:
    """Raise UnknownParameterError, or InvalidError for a parameter given twice or holding NUL."""
    strangers = [name for name in request.query_params if name not in known]
    if strangers:
        expected = f"Known here: {', '.join(sorted(known))}." if known else "None are known here."
        raise UnknownParameterError(
            *(
                FieldProblem(_pointer(name), "unknown_parameter", expected)
                for name in strangers[:MAX_PROBLEMS]
            )
        )
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise invalid(name, "Give this parameter once.")
        if "\0" in values[0]:
            raise InvalidError(
                FieldProblem(_pointer(name), "null_character", "Text can't hold a NUL character.")
            )


def invalid(name: str, detail: str) -> InvalidError:
    return InvalidError(FieldProblem(_pointer(name), "invalid", detail))


def _pointer(name: str) -> str:
    printable = "".join(c if c.isprintable() else "�" for c in name[:80])
    return "/" + printable.replace("~", "~0").replace("/", "~1")
