from collections.abc import Callable
from datetime import UTC
from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from core import tokens
from core.admin_actions import asking, each
from invitations import link_tokens, links
from invitations.mails import inviter_name
from invitations.models import (
    Invitation,
    InvitationBlock,
    InvitationLink,
    InvitationPolicy,
    Offer,
    Status,
)
from invitations.repositories import (
    BlockRepository,
    InvitationRepository,
    LinkRepository,
    PolicyRepository,
)
from invitations.services import blocks, linking, sending
from organizations.admin import LookedAt

HINTS_SHOWN = 5
MISSING = "Its organization is deleted. Restore that first."


def hinted(purpose: str, offer: Offer) -> str:
    """Return the beginnings of its links, the newest first, which alone may work."""
    found = tokens.hints(purpose=purpose, subject_id=offer.pk)[:HINTS_SHOWN]
    return ", before that ".join(f"{hint}…" for hint in found) or "None known"


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, str(status.label)) for status in Status]

    def queryset(self, request: HttpRequest, queryset: Any) -> InvitationRepository:
        rows = cast(InvitationRepository, queryset)
        chosen = self.value()
        return rows.in_status([chosen], now=timezone.now()) if chosen in Status.values else rows


@admin.register(Invitation)
class InvitationAdmin(LookedAt):
    """Who was invited where, newest first. No page has a token or a link."""

    list_display = [
        "email", "organization", "role", "status", "delivery", "expires", "invited_by_whom",
    ]  # fmt: skip
    list_filter = [StatusFilter, "delivery"]
    list_select_related = ["organization", "invited_by", "custom_role"]
    search_fields = ["email_normalized", "organization__slug", "id"]
    search_help_text = (
        "Whole address, whole slug of an organization, an id of either, or how a link begins"
        f" ({tokens.HINT_LENGTH} characters)"
    )
    readonly_fields = [
        "email", "organization", "role", "status", "delivery", "message", "invited_by_whom",
        "sent_count", "last_sent_at", "beginnings", "previewed_at", "expires_at", "accepted_at",
        "accepted_by", "declined_at", "revoked_at", "created_at", "id",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["resend", "revoke"]

    @admin.display(description="Status")
    def status(self, invitation: Any) -> str:
        return str(Status(invitation.status).label)

    @admin.display(description="Expires")
    def expires(self, invitation: Invitation) -> str:
        """The day, for a list that fits; the page of each has the moment."""
        return f"{invitation.expires_at.astimezone(UTC):%Y-%m-%d}"

    @admin.display(description="Invited by")
    def invited_by_whom(self, invitation: Invitation) -> str:
        return invitation.invited_by.email if invitation.invited_by else inviter_name(invitation)

    @admin.display(description="Links begin with")
    def beginnings(self, invitation: Invitation) -> str:
        return hinted(links.PURPOSE, invitation)

    def get_queryset(self, request: HttpRequest) -> InvitationRepository:
        rows = cast(InvitationRepository, super().get_queryset(request))
        return rows.with_people().with_status(now=timezone.now())

    def get_ordering(self, request: HttpRequest) -> Any:
        """Walk the index of what is asked for: an organization's, an open one's, or all."""
        if request.GET.get("q"):
            return ["-created_at", "-id"]
        is_open = request.GET.get("status") in {Status.PENDING, Status.EXPIRED}
        return ["-expires_at", "-id"] if is_open else ["-id"]

    @admin.action(description="Send again, with a new link", permissions=["operation"])
    @asking("Send these invitations again? The links in the mails before end.", button="Send again")
    def resend(self, request: HttpRequest, rows: InvitationRepository) -> None:
        self._each(request, rows, sending.resend, done="will be mailed")

    @admin.action(description="Revoke", permissions=["operation"])
    @asking("Revoke these invitations? Their links end.", button="Revoke")
    def revoke(self, request: HttpRequest, rows: InvitationRepository) -> None:
        self._each(request, rows, sending.revoke, done="revoked")

    def _each(
        self,
        request: HttpRequest,
        rows: InvitationRepository,
        service: Callable[..., object],
        *,
        done: str,
    ) -> None:
        now = timezone.now()

        def act(row: Invitation) -> None:
            one = {"organization_id": row.organization_id, "invitation_id": row.pk}
            service(actor_id=None, now=now, **one)

        each(self, request, rows, act, done=done, missing=MISSING)


@admin.register(InvitationLink)
class InvitationLinkAdmin(LookedAt):
    """Links that many may use, newest first. Their addresses are shown nowhere."""

    list_display = [
        "organization", "role", "uses", "max_uses", "expires_at", "revoked_at", "created_by",
    ]  # fmt: skip
    list_select_related = ["organization", "created_by", "custom_role"]
    search_fields = ["organization__slug", "id"]
    search_help_text = (
        f"Whole slug of an organization, an id, or how a link begins ({tokens.HINT_LENGTH}"
        " characters)"
    )
    readonly_fields = [
        "organization", "role", "uses", "max_uses", "allowed_domains", "beginnings", "expires_at",
        "revoked_at", "created_by", "created_at", "id",
    ]  # fmt: skip
    fields = tuple(readonly_fields)
    actions = ["revoke"]

    @admin.display(description="Links begin with")
    def beginnings(self, link: InvitationLink) -> str:
        return hinted(link_tokens.PURPOSE, link)

    def get_queryset(self, request: HttpRequest) -> LinkRepository:
        return cast(LinkRepository, super().get_queryset(request)).with_people()

    def get_ordering(self, request: HttpRequest) -> Any:
        return ["-created_at", "-id"] if request.GET.get("q") else ["-id"]

    @admin.action(description="Revoke", permissions=["operation"])
    @asking("Revoke these links? Who joined by them stays.", button="Revoke")
    def revoke(self, request: HttpRequest, rows: LinkRepository) -> None:
        now = timezone.now()

        def act(row: InvitationLink) -> None:
            place = {"organization_id": row.organization_id, "link_id": row.pk}
            linking.revoke(actor_id=None, now=now, **place)

        each(self, request, rows, act, done="revoked", missing=MISSING)


@admin.register(InvitationPolicy)
class InvitationPolicyAdmin(LookedAt):
    """Whose addresses organizations invite, where they do not invite everybody's."""

    list_display = ["organization", "allowed", "denied", "updated_at"]
    list_select_related = ["organization"]
    search_fields = ["organization__slug", "id"]
    search_help_text = "Whole slug of an organization, or an id"
    ordering = ["-id"]
    readonly_fields = ["organization", "allowed", "denied", "updated_at"]
    fields = tuple(readonly_fields)

    @admin.display(description="Allowed domains")
    def allowed(self, policy: InvitationPolicy) -> str:
        return ", ".join(policy.allowed_domains) or "Every domain"

    @admin.display(description="Denied domains")
    def denied(self, policy: InvitationPolicy) -> str:
        return ", ".join(policy.denied_domains) or "None"

    def get_queryset(self, request: HttpRequest) -> PolicyRepository:
        return cast(PolicyRepository, super().get_queryset(request)).with_names()


@admin.register(InvitationBlock)
class InvitationBlockAdmin(LookedAt):
    """Who wants no invitations from whom. The organizations are not told."""

    list_display = ["email_normalized", "organization", "created_at"]
    list_select_related = ["organization"]
    search_fields = ["email_normalized", "organization__slug", "id"]
    search_help_text = "Whole address, whole slug of an organization, or an id of either"
    ordering = ["-id"]
    readonly_fields = ["email_normalized", "organization", "created_at"]
    fields = tuple(readonly_fields)
    actions = ["lift"]

    @admin.action(description="Allow invitations again", permissions=["operation"])
    @asking(
        "Allow these organizations to invite these addresses again? Do it for the owner of the"
        " address alone.",
        button="Allow",
    )
    def lift(self, request: HttpRequest, rows: BlockRepository) -> None:
        each(
            self,
            request,
            rows,
            lambda row: blocks.lift(block_id=row.pk),
            done="allowed again",
            missing="It was lifted before.",
        )

    def get_queryset(self, request: HttpRequest) -> BlockRepository:
        return cast(BlockRepository, super().get_queryset(request)).with_names()
