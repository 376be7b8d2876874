# PLT 23: --json, exit codes 0, 1 and 2, help tested.
import json
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.jobs.runner import work_off
from core.management.base import UsageError
from invitations.models import Invitation
from invitations.services import answering, sending
from organizations.models import Organization
from organizations.services import lifecycle
from tests.client import ApiClient
from tests.conftest import make_user
from tests.invitations.invited import ADA, MINE, address, fresh, role_of
from tests.shell import exit_of
from tests.tenants import person, signed_in

INVITE = ["invite", "acme", ADA, "--role", "member"]


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def refusal(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    assert error.value.returncode == 1
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_link_that_is_printed_lets_its_owner_in(acme: Organization) -> None:
    ada = make_user(ADA)

    told = json.loads(run(*INVITE, "--message", "Do come.", "--json"))

    made = Invitation.objects.get()
    assert told.keys() == {"id", "organization", "email", "role", "expires_at", "link"}
    assert (told["id"], told["email"], made.message) == (str(made.pk), ADA, "Do come.")
    answering.accept(token=told["link"].rpartition("/")[2], user_id=ada.pk, now=timezone.now())
    assert role_of(acme, ada) == "member"


def test_a_person_reads_lines_that_end_with_the_link(acme: Organization) -> None:
    first, _, link = run(*INVITE).splitlines()

    assert first.startswith("ada@example.com is invited to acme as member, until 20")
    assert "/invitations/" in link


def test_operators_are_called_by_the_name_of_the_product(  # INV 26
    acme: Organization, user: User
) -> None:
    link = json.loads(run(*INVITE, "--json"))["link"]
    work_off()

    page = Client().get("/invitations/" + link.rpartition("/")[2]).content.decode()
    preview = ApiClient().send("POST", f"{MINE}/preview", {"token": link.rpartition("/")[2]}).json()
    (row,) = signed_in(user).read(address(acme))["items"]

    assert "Tenantry invites you." in page
    assert "Tenantry invites you to join Acme" in mail.outbox[-1].body
    assert mail.outbox[-1].subject == "Tenantry invited you to Acme"
    assert preview["inviter"] == {"full_name": "Tenantry"}
    assert (row["invited_by"], row["by_operator"]) == (None, True)
    assert "ormer member" not in page + str(mail.outbox[-1].body)


def test_a_member_who_sends_it_again_answers_for_it(acme: Organization, user: User) -> None:
    run(*INVITE)
    made = Invitation.objects.get()

    sending.resend(
        organization_id=acme.pk, actor_id=user.pk, invitation_id=made.pk, now=timezone.now()
    )

    assert (fresh(made).invited_by, fresh(made).by_operator) == (user, False)


def test_it_may_stand_on_the_rights_of_a_member(acme: Organization, stranger: User) -> None:
    admin, member = person(acme, "admin"), person(acme, "member")

    run(*INVITE, "--as", admin.email)

    assert (Invitation.objects.get().invited_by, Invitation.objects.get().by_operator) == (
        admin,
        False,
    )
    other = ["invite", "acme", "b@example.com", "--role"]
    assert "rights that you lack" in refusal(*other, "owner", "--as", admin.email)
    assert "does not allow" in refusal(*other, "viewer", "--as", member.email)
    assert "nothing here" in refusal(*other, "viewer", "--as", stranger.email)
    assert Invitation.objects.count() == 1


def test_what_can_not_be_done_is_one_line(acme: Organization, user: User) -> None:
    run(*INVITE)

    assert "invited already" in refusal(*INVITE)
    for words, line in (
        (["invite", "acme", user.email, "--role", "member"], "belongs to"),
        (["invite", "acme", "no address", "--role", "member"], "address"),
        (["invite", "acme", "b@example.com", "--role", "king"], "There is no such role here."),
        (["invite", "nowhere", ADA, "--role", "member"], "No organization has the id or slug"),
        ([*INVITE, "--as", "nobody@example.com"], "No account has the address"),
        ([*INVITE, "--message", "x" * 501], "more than 500 characters"),
    ):
        assert line in refusal(*words), words
    lifecycle.delete(organization_id=acme.pk, actor_id=None, now=timezone.now())
    assert refusal(*INVITE) == "acme is deleted. See org_restore."
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize("words", [["invite"], ["invite", "acme", ADA], [*INVITE, "--what"]])
def test_a_wrong_call_is_a_mistake_of_usage(words: list[str]) -> None:
    with pytest.raises(UsageError):
        run(*words)


def test_there_is_help() -> None:
    done = exit_of("invite", "--help")

    assert done.returncode == 0
    assert "--role" in done.stdout
