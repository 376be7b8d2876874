from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect

from core.admin import BoundedAdmin
from core.errors import DomainError


class ServiceAdmin(BoundedAdmin):
    """A page whose form is saved by a service, which writes history and tells everybody."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        try:
            return super().changeform_view(request, *args, **options)
        except DomainError as error:
            told = [error.message, *(each.detail for each in getattr(error, "problems", []))]
            self.message_user(request, " ".join(told), messages.ERROR)
            return redirect(request.get_full_path())

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The history of flags has it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The history of flags has it."""
