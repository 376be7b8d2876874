from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from flags import asking

GetResponse = Callable[[HttpRequest], HttpResponse]


class OneVersionMiddleware:
    """Lets a request see one version of the flags from start to end."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = asking.pin()
        try:
            return self.get_response(request)
        finally:
            asking.unpin(token)
