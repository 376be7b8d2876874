# PLT 23: --json, --dry-run, --yes, exit codes 0, 1 and 2, safe twice, help tested.
import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import activation, deletion
from core.management.base import UsageError
from organizations.models import Membership, Organization
from organizations.services import lifecycle, members
from tests.conftest import PASSWORD, make_user
from tests.shell import exit_of
from tests.tenants import custom_role, person, signed_in

ABOUT_ONE = {
    "grant_owner": ["uma@example.com"],
    "org_suspend": ["--reason", "unpaid"],
    "org_restore": [],
    "org_purge": ["--yes"],
}
CREATE = ["create_organization", "--name", "Acme Lamps", "--owner", "sam@example.com"]


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def run_json(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def refusal(*words: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*words)
    assert error.value.returncode == 1
    assert "\n" not in str(error.value)
    return str(error.value)


def role_of(organization: Organization, user: User) -> str:
    return Membership.objects.for_organization(organization.pk).active().of(user.pk).get().role_key


def row(organization: Organization) -> Any:
    return Organization.objects.values().get(pk=organization.pk)


def delete(organization: Organization) -> None:
    lifecycle.delete(organization_id=organization.pk, actor_id=None, now=timezone.now())


@pytest.mark.parametrize("command", ABOUT_ONE)
@pytest.mark.parametrize("name", ["nothing", "no\nslug", "01900000-0000-7000-8000-000000000007"])
def test_an_unknown_organization_is_one_line(user: User, command: str, name: str) -> None:
    assert refusal(command, name, *ABOUT_ONE[command]).startswith("No organization has the id or ")


@pytest.mark.parametrize("command", [*ABOUT_ONE, "create_organization"])
def test_a_wrong_call_is_a_mistake_of_usage(command: str) -> None:
    for words in ([], ["acme", "--what"]):
        with pytest.raises(UsageError):
            run(command, *words)


@pytest.mark.parametrize("command", [*ABOUT_ONE, "create_organization"])
def test_every_command_has_help(command: str) -> None:
    done = exit_of(command, "--help")

    assert done.returncode == 0
    assert f"manage.py {command}" in done.stdout
    assert "--json" in done.stdout


def test_an_organization_is_named_by_id_or_slug_in_any_case(acme: Organization) -> None:
    for name in ("acme", " ACME ", str(acme.pk), str(acme.pk).upper()):
        assert run_json("org_suspend", name, "--reason", "unpaid")["id"] == str(acme.pk)


def test_an_id_beats_a_slug_that_looks_like_it(acme: Organization, stranger: User) -> None:
    lifecycle.create(owner=stranger, name="Trap", slug=str(acme.pk), now=timezone.now())

    assert run_json("org_suspend", str(acme.pk), "--reason", "unpaid")["slug"] == "acme"


def test_one_is_made_for_somebody_whatever_the_limit(stranger: User, settings: Settings) -> None:
    settings.ORGANIZATIONS_PER_USER = 0  # ORG 25

    made = run_json(*CREATE)

    assert {**made, "id": ""} == {
        "id": "", "slug": "acme-lamps", "name": "Acme Lamps", "owner": "sam@example.com",
    }  # fmt: skip
    assert role_of(Organization.objects.by_id(made["id"]), stranger) == "owner"
    assert run(*CREATE, "--slug", "lamps").startswith("Acme Lamps is there now, with the owner ")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--slug", "globex"], "has this name"),
        (["--slug", "a b"], "letters a to z"),
        (["--name", "  "], "needs a name"),
        (["--name", "x" * 256], "Up to 255"),
        (["--owner", "nobody@example.com"], "No account has the address"),
    ],
)
def test_one_that_can_not_be_made_is_one_line(
    globex: Organization, words: list[str], line: str
) -> None:
    assert line in refusal(*CREATE, *words)
    assert Organization.objects.count() == 1


def going(user: User) -> None:
    deletion.request(user=user, password=PASSWORD, now=timezone.now())


def deactivated(user: User) -> None:
    activation.deactivate(user_ids=[user.pk], now=timezone.now())


@pytest.mark.parametrize("state", [going, deactivated])
def test_an_account_that_can_not_act_owns_nothing_new(
    acme: Organization, state: Callable[[User], None]
) -> None:
    user = make_user("sam@example.com")
    state(user)

    assert "deactivated or going to be" in refusal(*CREATE)
    assert "deactivated or going to be" in refusal("grant_owner", "acme", "sam@example.com")
    assert not Membership.objects.of(user.pk).exists()


def test_an_organization_gets_another_owner(acme: Organization, user: User, stranger: User) -> None:
    admin = person(acme, "admin")

    for someone in (stranger, admin):
        assert run_json("grant_owner", "acme", someone.email)["changed"] is True
        assert run_json("grant_owner", "acme", someone.email)["changed"] is False
        assert role_of(acme, someone) == "owner"
    assert role_of(acme, user) == "owner"


@pytest.mark.parametrize("how", ["suspend", "remove"])
def test_who_was_out_comes_back_as_an_owner(acme: Organization, user: User, how: str) -> None:
    member = person(acme, custom_role(acme, "lamps").key, email="lin@example.com")
    if how == "suspend":
        members.suspend(
            organization_id=acme.pk, actor_id=user.pk, user_id=member.pk, now=timezone.now()
        )
    else:
        members.leave(organization_id=acme.pk, user_id=member.pk, now=timezone.now())

    assert run("grant_owner", "acme", member.email) == (
        "lin@example.com is an owner of acme now. The others are as they were.\n"
    )
    assert role_of(acme, member) == "owner"


def test_a_suspension_begins_and_ends(acme: Organization) -> None:  # ORG 17
    assert run("org_suspend", "acme", "--reason", " Unpaid\nbill ") == "acme is suspended now.\n"
    first = row(acme)
    assert first["suspension_reason"] == "Unpaid bill"
    assert run("org_suspend", "acme", "--reason", "fraud") == "acme is suspended, as before.\n"
    assert row(acme)["suspended_at"] == first["suspended_at"]
    assert row(acme)["suspension_reason"] == "fraud"

    assert run_json("org_suspend", "acme", "--lift") == {
        "id": str(acme.pk), "slug": "acme", "suspended": False, "changed": True,
    }  # fmt: skip
    assert run("org_suspend", "acme", "--lift") == "acme is not suspended, as before.\n"
    assert row(acme)["suspended_at"] is None


def test_a_suspension_has_a_reason(acme: Organization) -> None:
    for words in ([], ["--lift", "--reason", "paid"]):
        with pytest.raises(UsageError, match="--reason"):
            run("org_suspend", "acme", *words)
    for reason in (" ", "x" * 201):
        assert "up to 200" in refusal("org_suspend", "acme", "--reason", reason)
    assert row(acme)["suspended_at"] is None


@pytest.mark.parametrize("command", ["grant_owner", "org_suspend"])
def test_a_deleted_one_is_restored_first(acme: Organization, command: str) -> None:
    delete(acme)

    assert refusal(command, "acme", *ABOUT_ONE[command]) == "acme is deleted. See org_restore."


def test_a_deleted_one_comes_back_as_it_was(acme: Organization, user: User) -> None:  # ORG 18
    member = person(acme, custom_role(acme, "lamps").key, email="lin@example.com")
    path = f"/api/v1/organizations/{acme.pk}"
    assert refusal("org_restore", "acme") == "This organization is not deleted."
    delete(acme)
    assert signed_in(user).send("GET", path).status_code == 404

    assert run("org_restore", "acme") == "acme is back, with its members and roles as they were.\n"

    assert signed_in(user).read(path)["role"] == "owner"
    assert signed_in(member).read(path)["role"] == "lamps"


def test_one_that_goes_with_an_account_comes_back_with_it(acme: Organization, user: User) -> None:
    going(user)

    assert "keep the account instead" in refusal("org_restore", "acme")


def test_a_purge_looks_first_and_asks(acme: Organization, globex: Organization) -> None:
    custom_role(acme, "lamps")
    delete(acme)
    rows = {"audit entries": 2, "organizations_customrole": 1, "organizations_membership": 1}

    looked = run_json("org_purge", "acme", "--dry-run")
    with pytest.raises(UsageError, match="say --yes"):
        run("org_purge", "acme")

    assert looked == {"id": str(acme.pk), "slug": "acme", "rows": rows, "dry_run": True}
    assert row(acme)["deletion_due_at"] > timezone.now()
    assert run("org_purge", "acme", "--yes").splitlines() == [
        "audit entries: 2 deleted",
        "organizations_membership: 1 deleted",
        "organizations_customrole: 1 deleted",
        "acme: deleted",
    ]
    assert list(Organization.objects.all()) == [globex]
    assert refusal("org_purge", "acme", "--yes").startswith("No organization has")


def test_one_that_is_not_deleted_is_purged_on_clear_words_alone(acme: Organization) -> None:
    for words in (["--yes"], ["--dry-run"]):
        assert "Say --now" in refusal("org_purge", "acme", *words)
    assert run_json("org_purge", "acme", "--now", "--dry-run")["dry_run"] is True
    assert row(acme)["deletion_due_at"] is None

    run("org_purge", "acme", "--now", "--yes")

    assert not Organization.objects.exists()


def test_one_that_goes_with_an_account_can_go_before_it(acme: Organization, user: User) -> None:
    going(user)

    run("org_purge", "acme", "--yes")
    deletion.cancel_by_password(email=user.email, password=PASSWORD, now=timezone.now())

    assert not Organization.objects.exists()
    assert User.objects.by_id(user.pk).deletion_due_at is None
