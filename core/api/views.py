"""The base of every view of the API: what happens before and after a handler, once for all."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from core import ratelimits
from core.api import idempotency
from core.api.exceptions import (
    MethodNotAllowedError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
)
from core.api.pagination import PARAMETERS as PAGE_PARAMETERS
from core.api.queries import refuse_unknown
from core.api.serializers import ReadSerializer
from core.errors import (
    ForbiddenError,
    NotFoundError,
    UnauthenticatedError,
)
from core.keyset import SortKey
from core.plain_lists import PlainList, PlainRows
from core.ratelimits import COUNTED, LimitReachedError, Verdict

Handler = Callable[..., Response]


class ApiView(APIView):
    """Size, authentication, rate limit, permissions, query parameters; then the handler, once."""

    limit_scope: ClassVar[str | None] = None
    """A scope of RATE_LIMITS, counted by client address; None counts by user, else by address."""

    query_parameters: ClassVar[frozenset[str]] = frozenset()

    @property
    def counts_by_user(self) -> bool:
        """Authentication may count the request, as it asks the same store anyway."""
        return self.limit_scope is None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        self.args, self.kwargs = args, kwargs
        self.headers: dict[str, str] = {}
        self.request = self.initialize_request(request, *args, **kwargs)
        self.verdicts: list[Verdict] = []
        try:
            self.initial(self.request, *args, **kwargs)
            return self.answer(lambda: self._handler()(self.request, *args, **kwargs))
        except Exception as error:
            return self.refuse(error)

    def answer(self, work: Callable[[], Response]) -> HttpResponse:
        if self.request.method == "POST" and "HTTP_IDEMPOTENCY_KEY" in self.request.META:
            return idempotency.answer_once(
                self.request, lambda: self.attempt(work), replay=self.attempt
            )
        return self.finish(work())

    def attempt(self, work: Callable[[], Response]) -> HttpResponse:
        """Run to the rendered end, refusals included."""
        try:
            return self.finish(work())
        except Exception as error:
            return self.refuse(error)

    def finish(self, response: Response) -> HttpResponse:
        self.finalize_response(self.request, response, *self.args, **self.kwargs)
        for name, value in self._standard_headers().items():
            response.headers.setdefault(name, value)
        response._has_been_logged = True  # type: ignore[attr-defined]  # our own line tells it
        if isinstance(response, Response):  # else it is a stream, which is made while it is sent
            response.render()
        return response

    def refuse(self, error: Exception) -> HttpResponse:
        response = self.get_exception_handler()(error, self.get_exception_handler_context())
        response.exception = True
        if isinstance(error, LimitReachedError):
            self.verdicts.append(error.verdict)
        return self.finish(response)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        renderer = self.get_renderers()[0]
        request.accepted_renderer, request.accepted_media_type = renderer, renderer.media_type
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
            raise PayloadTooLargeError
        self._authenticate_and_count(request)
        if request.method == "OPTIONS":
            return
        self.check_permissions(request)
        self._handler()  # a method that is not there is told before its parameters are judged
        refuse_unknown(request, self.known_parameters())
        if request.META.get("CONTENT_LENGTH") not in {None, "", "0"} and not self._is_readable():
            raise UnsupportedMediaTypeError

    def _is_readable(self) -> bool:
        parsers = self.request.parsers or []
        return self.get_content_negotiator().select_parser(self.request, parsers) is not None

    def known_parameters(self) -> frozenset[str]:
        return self.query_parameters

    def check_permissions(self, request: Request) -> None:
        for permission in self.get_permissions():
            if not permission.has_permission(request, self):
                if not request.user.is_authenticated:
                    raise UnauthenticatedError
                raise ForbiddenError

    def _authenticate_and_count(self, request: Request) -> None:
        address = str(request.META["tenantry.client_address"])
        try:
            user = request.user
        except UnauthenticatedError:
            request.user = AnonymousUser()
            self.count("address", address)
            raise
        if self.limit_scope:
            self.count(self.limit_scope, address)
        elif verdict := request.META.get(COUNTED):
            self.note(ratelimits.insist(verdict))
        elif user.is_authenticated:
            self.count("user", str(user.pk))
        else:
            self.count("address", address)

    def count(self, scope: str, key: str) -> None:
        """Count this request against a limit. Raises LimitReachedError beyond it."""
        self.note(ratelimits.take(scope, key))

    def note(self, verdict: Verdict | None) -> None:
        """Let the answer tell how a limit stands; None: there is none."""
        if verdict is not None:
            self.verdicts.append(verdict)

    def _standard_headers(self) -> dict[str, str]:
        headers = {"Cache-Control": "no-store", "Vary": "Authorization, Origin"}
        if self.verdicts:
            headers["RateLimit-Policy"] = ", ".join(map(ratelimits.policy_header, self.verdicts))
            headers["RateLimit"] = ", ".join(map(ratelimits.limit_header, self.verdicts))
        return headers

    def _handler(self) -> Handler:
        name = str(self.request.method).lower()
        handler: Handler | None = getattr(self, name, None)
        if name not in self.http_method_names or handler is None:
            raise MethodNotAllowedError(str(self.request.method), self.allowed_methods)
        return handler

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})


class ApiViewSet(ApiView, GenericViewSet[Any]):
    """A resource with a list, filters and pagination.

    Set `ordering` (the default order), `ordering_fields`, `search_fields` and `filterset_class`.
    """

    ordering: ClassVar[list[str]] = ["-created_at"]
    ordering_fields: ClassVar[list[str]] = []
    search_fields: ClassVar[list[str]] = []
    action: str
    sort_keys: Sequence[SortKey]
    """The order of this request's list; OrderingBackend sets it."""

    def plainly(self, plain: PlainList, rows: Callable[[], Any], **values: Any) -> Any:
        """Return `rows()`, or what reads the same by `plain` where no filter and order is given."""
        if self.action != "list" or self.request.query_params.keys() - PAGE_PARAMETERS:
            return rows()
        general = lambda: self.filter_queryset(rows())  # noqa: E731
        return PlainRows(plain.model, plain.keys, read=partial(plain.read, values), general=general)

    def filter_queryset(self, queryset: Any) -> Any:
        """Filter, search and order; and let a list read what its serializer shows."""
        if isinstance(queryset, PlainRows):
            self.sort_keys = queryset.keys
            return queryset
        found: Any = super().filter_queryset(queryset)
        serializer = self.get_serializer_class()
        if self.action != "list" or not issubclass(serializer, ReadSerializer):
            return found
        columns, order = serializer.columns(), [key.name for key in self.sort_keys]
        return found.rows([*dict.fromkeys([*columns, *order])]) if columns else found

    def get_serializer_context(self) -> dict[str, Any]:
        return {"request": self.request, "view": self}

    def known_parameters(self) -> frozenset[str]:
        if self.action != "list":
            return self.query_parameters
        backends = [backend() for backend in self.filter_backends]
        filters = [name for backend in backends for name in backend.parameters(self)]  # type: ignore[attr-defined]
        return self.query_parameters | PAGE_PARAMETERS | frozenset(filters)


class UnknownPathView(ApiView):
    """Every address below /api/ that nothing else serves."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def _handler(self) -> Handler:
        raise NotFoundError

    def known_parameters(self) -> frozenset[str]:
        return frozenset(self.request.query_params)
