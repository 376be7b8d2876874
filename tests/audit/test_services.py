"""What is written down, in the transaction of the change, and what never is."""

import json

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import REUSE_GRACE, User
from accounts.services import deletion, sessions
from audit.models import AuditEntry
from core import events
from core.errors import ConflictError
from core.jobs.maintenance import prune_daily
from core.jobs.rows import execute
from core.jobs.runner import work_off
from organizations.events import MemberSuspended
from organizations.models import Membership, Organization
from organizations.services import lifecycle, members, purge
from tests.audit.entries import entry, last, log_of
from tests.client import ApiClient, problem
from tests.conftest import PASSWORD, make_user
from tests.tenants import found, person

AUTH = "/api/v1/auth"


def path(organization: Organization, user: User) -> str:
    return f"/api/v1/organizations/{organization.pk}/members/{user.pk}"


def test_an_entry_tells_who_did_what_from_where(
    api: ApiClient, acme: Organization, user: User
) -> None:
    member = person(acme, "member")

    api.send("PATCH", path(acme, member), {"role": "viewer"}, X_Request_ID="find-me")

    found = last("member.role_changed")
    assert (found.organization_id, found.actor_kind, found.actor_id) == (acme.pk, "user", user.pk)
    assert (found.target_type, found.target_id) == ("user", str(member.pk))
    assert (found.before, found.after) == ({"role": "member"}, {"role": "viewer"})
    assert (found.ip_address, found.request_id) == ("127.0.0.1", "find-me")


def test_what_did_not_change_is_left_out(api: ApiClient, acme: Organization) -> None:
    api.send("PATCH", f"/api/v1/organizations/{acme.pk}", {"name": "Acme & Sons"})

    found = last("organization.changed")
    assert (found.before, found.after) == ({"name": "Acme"}, {"name": "Acme & Sons"})


def test_a_change_that_is_rolled_back_leaves_no_entry(acme: Organization) -> None:
    before = len(log_of(acme.pk))

    with transaction.atomic():
        lifecycle.suspend(organization_id=acme.pk, reason="no reason", now=timezone.now())
        assert len(log_of(acme.pk)) == before + 1
        transaction.set_rollback(True)

    assert len(log_of(acme.pk)) == before


def test_a_refusal_leaves_no_entry(api: ApiClient, acme: Organization, user: User) -> None:
    before = AuditEntry.objects.count()

    assert problem(api.send("DELETE", path(acme, user)))["code"] == "last_owner"

    assert AuditEntry.objects.count() == before


def test_what_can_not_be_written_down_does_not_happen(acme: Organization, user: User) -> None:
    member = person(acme, "member")
    execute("ALTER TABLE audit_auditentry ADD CHECK (action <> 'member.suspended')")

    with pytest.raises(IntegrityError):
        members.suspend(
            organization_id=acme.pk, actor_id=user.pk, user_id=member.pk, now=timezone.now()
        )

    assert Membership.objects.of(member.pk).get().is_active


def test_what_another_app_vetoes_is_not_written_down(
    acme: Organization, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def veto(event: MemberSuspended) -> None:
        raise ConflictError("Not this one.")

    member = person(acme, "member")
    handlers = [*events._handlers[MemberSuspended], veto]
    monkeypatch.setitem(events._handlers, MemberSuspended, handlers)

    with pytest.raises(ConflictError):
        members.suspend(
            organization_id=acme.pk, actor_id=user.pk, user_id=member.pk, now=timezone.now()
        )

    assert not AuditEntry.objects.filter(action="member.suspended").exists()


def test_an_operator_at_a_terminal_has_no_name(user: User) -> None:
    call_command("deactivate_user", user.email)

    found = last("account.deactivated")
    assert (found.actor_kind, found.actor_id, found.ip_address) == ("operator", None, None)
    assert (found.organization_id, found.target_id) == (None, str(user.pk))


def test_an_operator_in_the_admin_is_told(user: User) -> None:  # PLT 22
    operator = make_user("staff@example.com", staff=True)
    sessions.start_session(user=user, device="", ip_address="::1", now=timezone.now())
    client = Client()
    client.force_login(operator)

    client.post(
        "/admin/accounts/user/",
        {"action": "deactivate", "_selected_action": [str(user.pk)], "confirmed": "yes"},
    )

    for action in ("account.deactivated", "session.ended"):
        found = last(action)
        assert (found.actor_kind, found.actor_id) == ("operator", operator.pk)
        assert found.target_id == str(user.pk)
        assert found.ip_address == "127.0.0.1"


def test_a_worker_is_the_system(user: User) -> None:
    deletion.request(user=user, password=PASSWORD, now=timezone.now())
    User.objects.change(user, deletion_due_at=timezone.now())
    prune_daily.defer()

    work_off()

    found = last("account.deleted")
    assert (found.actor_kind, found.actor_id) == ("system", None)


def test_a_mailed_link_and_a_password_are_used_by_the_person(
    anonymous: ApiClient, user: User
) -> None:
    anonymous.send("POST", f"{AUTH}/token", {"email": user.email, "password": PASSWORD})

    found = last("session.started")
    assert (found.actor_kind, found.actor_id) == ("user", user.pk)
    assert found.ip_address == "127.0.0.1"


def test_a_token_that_came_twice_is_one_entry(anonymous: ApiClient, user: User) -> None:  # ACC 20
    pair = sessions.start_session(
        user=user, device="", ip_address="192.0.2.9", now=timezone.now() - REUSE_GRACE * 9
    )
    newer = sessions.refresh(token=pair.refresh, now=timezone.now() - REUSE_GRACE * 5)
    sessions.refresh(token=newer.refresh, now=timezone.now() - REUSE_GRACE * 3)

    answer = anonymous.send("POST", f"{AUTH}/token/refresh", {"refresh": pair.refresh})

    assert problem(answer)["code"] == "token_reused"
    found = last("session.token_reused")
    assert (found.actor_kind, found.actor_id) == ("system", None)
    assert (found.target_id, found.ip_address) == (str(user.pk), "127.0.0.1")
    assert not AuditEntry.objects.filter(action="session.ended").exists()


def test_ending_no_session_is_no_entry(user: User) -> None:
    sessions.end_every_session(user=user, reason="test", now=timezone.now())

    assert not AuditEntry.objects.filter(action="session.ended").exists()


def test_no_address_name_or_secret_of_a_person_is_kept(
    api: ApiClient, acme: Organization, user: User
) -> None:  # PLT 18
    member = person(acme, "member")
    api.send("PATCH", "/api/v1/users/me", {"full_name": "Ursula Unique"})
    api.send("PATCH", path(acme, member), {"role": "admin"})
    api.send("POST", f"{path(acme, member)}/suspend")
    api.send("DELETE", path(acme, member))
    new = "another quiet lamp post"
    api.send("POST", f"{AUTH}/password/change", {"current_password": PASSWORD, "new_password": new})
    api.send("POST", f"{AUTH}/email/change", {"email": "ursula@example.net", "password": new})
    api.send("POST", f"{AUTH}/token", {"email": user.email, "password": new})
    lifecycle.suspend(organization_id=acme.pk, reason="Ursula did not pay", now=timezone.now())

    rows = list(AuditEntry.objects.values("before", "after", "target_id", "action"))
    kept = json.dumps(rows)
    assert len(rows) > 8
    for secret in ("@", "Ursula", "Uma", "argon2", PASSWORD, new, "eyJ"):
        assert secret not in kept


@pytest.mark.django_db(transaction=True)
def test_a_purged_organization_takes_its_log_along() -> None:
    acme = found("Acme", make_user("uma@example.com"))
    globex = found("Globex", make_user("sam@example.com"))
    assert log_of(acme.pk) != []
    now = timezone.now()

    purge.end_grace(organization_id=acme.pk, now=now)
    assert purge.counts(organization_id=acme.pk)["audit entries"] == 2
    purge.purge(organization_id=acme.pk, now=now)

    assert log_of(acme.pk) == []
    assert len(log_of(globex.pk)) == 1
    told = last("organization.purged")
    assert (told.organization_id, told.target_id, told.after) == (None, str(acme.pk), {})


def test_a_purged_account_leaves_no_address(acme: Organization, user: User) -> None:  # ACC 35
    other = person(acme, "owner")
    entry(acme.pk, actor_id=user.pk)
    entry(None, actor_kind="system", actor_id=None, target_type="account", target_id=str(user.pk))
    kept = entry(acme.pk, actor_id=other.pk, target_id=str(user.pk))
    deletion.request(user=user, password=PASSWORD, now=timezone.now())

    later = timezone.now() + deletion.GRACE
    assert deletion.purge_some(10, now=later) == 1
    assert deletion.purge_some(10, now=later) == 0

    addresses = AuditEntry.objects.exclude(ip_address=None)
    assert [found.pk for found in addresses] == [kept.pk]
    assert AuditEntry.objects.filter(actor_id=user.pk).count() > 1  # what they did is still told
