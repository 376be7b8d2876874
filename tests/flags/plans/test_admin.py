"""The admin's pages about planned changes, environments, segments and what seems forgotten."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import User
from core.admin import EstimatingPaginator
from core.jobs.rows import execute
from flags.models import Environment, Flag, FlagChange, FlagRules, PlannedChange, Segment, StaleFlag
from flags.services import environments, keys, planning, segments
from flags.services.changes import Author, Source
from flags.staleness import looking
from tests.bounds import faults
from tests.client import ApiClient
from tests.conftest import make_user
from tests.flags.conftest import AUTHOR, change_rules, make_flag, share
from tests.flags.test_admin import act, form_of, text

PLANS = "/admin/flags/plannedchange/"
SEGMENTS = "/admin/flags/segment/"
PLACES = "/admin/flags/environment/"
ALICE = {"contextName": "userId", "operator": "IN", "values": ["alice"]}
pytestmark = pytest.mark.django_db


def opened(user: User) -> ApiClient:
    client = ApiClient(HTTP_ACCEPT="text/html")
    client.force_login(user)
    return client


@pytest.fixture
def olga() -> User:
    return make_user("olga@example.com", staff=True)


@pytest.fixture
def admin(olga: User) -> ApiClient:
    return opened(olga)


def rules_page(row: FlagRules) -> str:
    return f"/admin/flags/flagrules/{row.pk}/change/"


def two_people() -> None:
    environments.demand_approval(
        name="production", demanded=True, author=AUTHOR, now=timezone.now()
    )


def test_a_change_is_planned_in_the_form_of_the_rules(admin: ApiClient) -> None:  # FLG 17
    make_flag()
    row = FlagRules.objects.get()
    body = form_of(row, percentage="12.5", due_at_0="2999-12-01", due_at_1="09:00:00")

    page = text(admin.post(rules_page(row), body, follow=True))

    made = PlannedChange.objects.get()
    assert made.changes.keys() == {"strategies"}
    assert f"{made.due_at:%Y-%m-%d %H:%M}" == "2999-12-01 09:00"
    assert "Nothing has changed yet" in page
    assert "+ &quot;rollout&quot;: &quot;12.5&quot;" in page
    assert "2999-12-01 09:00:00 UTC" in page
    assert FlagRules.objects.get().strategies == []
    past = form_of(row, due_at_0="2026-01-01", due_at_1="09:00:00")
    assert "This time is past" in text(admin.post(rules_page(row), past))
    assert "Taken back" not in text(admin.get(PLANS))
    act(admin, PLANS, "cancel", made, confirmed="1")
    assert "Taken back" in text(admin.get(f"{PLANS}?waiting=0"))


def test_opening_rules_makes_lasting_what_is_due(admin: ApiClient) -> None:
    make_flag()
    later = timezone.now() + timedelta(hours=1)
    planning.plan(name="lamp", author=AUTHOR, now=timezone.now(), due_at=later, enabled=False)
    PlannedChange.objects.update(due_at=timezone.now())

    page = text(admin.get(rules_page(FlagRules.objects.get())))

    assert 'name="seen_version" value="3"' in page
    assert not FlagRules.objects.get().enabled


def test_somebody_else_approves(admin: ApiClient, olga: User) -> None:  # FLG 34
    make_flag(strategies=[share("5")])
    two_people()
    row = FlagRules.objects.get()
    assert "Changes here take two people" in text(admin.get(rules_page(row)))
    page = text(admin.post(rules_page(row), form_of(row, percentage="50"), follow=True))
    assert "waits for approval" in page
    made = PlannedChange.objects.get()

    assert "Somebody else" in act(admin, PLANS, "approve", made, confirmed="1")
    assert FlagRules.objects.get().strategies == [share("5")]
    act(opened(make_user("hugo@example.com", staff=True)), PLANS, "approve", made, confirmed="1")
    assert FlagRules.objects.get().strategies == [share("50")]
    assert "Applied" in text(admin.get(PLANS))
    second = form_of(FlagRules.objects.get(), percentage="60")
    admin.post(rules_page(row), second)
    waiting = PlannedChange.objects.waiting()[0]
    act(admin, PLANS, "reject", waiting, confirmed="1")
    assert "Rejected" in text(admin.get(f"{PLANS}{waiting.pk}/change/"))


def test_who_may_not_approve_is_not_offered_it(user: User) -> None:  # FLG 34
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    for codename in ("view_plannedchange", "change_plannedchange", "view_environment"):
        user.user_permissions.add(Permission.objects.get(codename=codename))
    make_flag()
    two_people()
    made = planning.plan(name="lamp", author=AUTHOR, now=timezone.now(), enabled=False)
    client = opened(user)

    assert "Approve" not in text(client.get(PLANS))
    act(client, PLANS, "approve", made, confirmed="1")
    assert PlannedChange.objects.get().state == "proposed"
    act(client, PLACES, "waive", Environment.objects.get(), confirmed="1")
    assert Environment.objects.get().demands_approval
    assert client.get(f"{PLACES}{Environment.objects.get().pk}/copy/").status_code in {302, 403}


def test_an_environment_is_copied_and_takes_two_people(admin: ApiClient) -> None:  # FLG 34
    make_flag(strategies=[share("5")], allowed={"userId": ["alice"]})
    keys.create(name="k", environment="staging", author=AUTHOR)
    staging = Environment.objects.get(name="staging")
    page = f"{PLACES}{staging.pk}/copy/"
    assert "Copy into staging" in text(admin.get(page))

    body = {"source": "production", "reason": "a release", "seen_version": staging.version}
    assert "1 changed" in text(admin.post(page, body, follow=True))

    row = FlagRules.objects.get(environment=staging)
    assert (row.strategies, row.allowed) == ([share("5")], {})
    entry = FlagChange.objects.get(action="copied")
    assert (entry.source, entry.reason) == ("admin", "a release")
    assert "copied" in text(admin.get("/admin/flags/flagchange/"))
    change_rules(enabled=False)
    late = text(admin.post(page, body))
    assert "changed" in late
    assert FlagRules.objects.get(environment=staging).enabled
    act(admin, PLACES, "demand", staging, confirmed="1")
    assert "take two people" in text(admin.get(page))
    fresh = {**body, "seen_version": Environment.objects.get(name="staging").version}
    assert "1 wait for approval" in text(admin.post(page, fresh, follow=True))
    act(admin, PLACES, "waive", staging, confirmed="1")
    assert not Environment.objects.get(name="staging").demands_approval


# -- Segments --------------------------------------------------------------------------------------
def segment_form(segment: Segment | None = None, **changes: Any) -> dict[str, Any]:
    first = {
        "name": segment.name if segment else "friends",
        "description": "",
        "constraints": json.dumps(segment.constraints if segment else [ALICE]),
        "seen_version": segment.version if segment else 1,
        "reason": "",
    }
    return {**first, **changes}


def test_a_segment_shows_whom_it_concerns_and_asks(admin: ApiClient) -> None:  # FLG 37
    assert admin.post(f"{SEGMENTS}add/", segment_form()).status_code == 302
    made = Segment.objects.get()
    for number in range(40):
        make_flag(f"flag {number}", strategies=[{"name": "default", "segments": [made.pk]}])
    page = f"{SEGMENTS}{made.pk}/change/"

    shown = text(admin.get(page))
    assert "40 in all" in shown
    assert "flag 39" in shown
    change = segment_form(made, constraints="[]", reason="all of them")
    refused = text(admin.post(page, change))
    assert "This changes 40 flags: flag 0, flag 1, " in refused
    assert Segment.objects.get().constraints == [ALICE]

    assert admin.post(page, {**change, "confirm": "on"}).status_code == 302
    assert Segment.objects.get().constraints == []
    entry = FlagChange.objects.filter(subject="segment").order_by("-created_at", "-id")[0]
    assert (entry.reason, entry.source, entry.actor_name) == ("all of them", "admin", "Uma User")
    assert "Somebody changed this segment" in text(admin.post(page, change))


def test_a_new_segment_begins_with_no_constraints(admin: ApiClient) -> None:
    form = admin.get(f"{SEGMENTS}add/").context["adminform"].form

    assert form["constraints"].value() == "[]"


def test_words_of_a_segment_need_no_confirmation(admin: ApiClient) -> None:
    made = segments.create(name="s", constraints=[ALICE], author=AUTHOR, now=timezone.now())
    make_flag(strategies=[{"name": "default", "segments": [made.pk]}])
    page = f"{SEGMENTS}{made.pk}/change/"

    assert admin.post(page, segment_form(made, description="My friends")).status_code == 302
    assert Segment.objects.get().description == "My friends"
    wrong = segment_form(Segment.objects.get(), constraints='[{"operator": "IN"}]')
    assert "/constraints/0/contextName" in text(admin.post(page, wrong))
    taken = segment_form(name="s")
    assert "already" in text(admin.post(f"{SEGMENTS}add/", taken))


def test_a_segment_in_use_is_not_deleted(admin: ApiClient) -> None:  # FLG 37
    used = segments.create(name="used", constraints=[], author=AUTHOR, now=timezone.now())
    free = segments.create(name="free", constraints=[], author=AUTHOR, now=timezone.now())
    make_flag(strategies=[{"name": "default", "segments": [used.pk]}])

    assert "free" in act(admin, SEGMENTS, "delete_unused", used, free)
    told = act(admin, SEGMENTS, "delete_unused", used, free, confirmed="1")

    assert "1 flag uses this segment: lamp" in told
    assert [each.name for each in Segment.objects.all()] == ["used"]
    assert admin.post(f"{SEGMENTS}{used.pk}/delete/", {"post": "yes"}).status_code == 403


# -- What seems forgotten --------------------------------------------------------------------------
def test_what_seems_forgotten_is_listed(admin: ApiClient, olga: User) -> None:  # FLG 32
    flag = make_flag(settings={"owner_id": olga.pk})
    Flag.objects.update(expires_at="2026-01-01T00:00:00Z")
    looking.look(now=timezone.now())

    page = text(admin.get("/admin/flags/staleflag/"))
    assert "Expired on 2026-01-01" in page
    assert "Uma User" in page or "olga@example.com" in page
    text(admin.get(f"/admin/flags/staleflag/{StaleFlag.objects.get().pk}/change/"))
    assert f"/admin/flags/flag/{flag.pk}/change/" in page


def test_an_owner_is_chosen(admin: ApiClient, olga: User) -> None:  # FLG 32
    assert f'value="{olga.pk}" selected' in text(admin.get("/admin/flags/flag/add/"))
    body = {
        "name": "lamp", "description": "", "kind": "release", "owner": str(olga.pk),
        "dependencies": "[]", "expires_at_0": "", "expires_at_1": "",
    }  # fmt: skip
    assert admin.post("/admin/flags/flag/add/", body).status_code == 302
    assert Flag.objects.get().owner_id == olga.pk


def test_pages_stay_quick_however_much_is_planned(
    admin: ApiClient, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EstimatingPaginator, "reach", 200)
    flag = make_flag()
    where, row = Environment.objects.get(), FlagRules.objects.get()
    author = Author(olga.pk, "Olga", Source.API)
    rows = [
        PlannedChange(
            flag=flag, environment=where, changes={"enabled": False}, base_version=row.version,
            state="applied", author_id=author.id, author_name=author.name, ended_at=timezone.now(),
        )
        for _ in range(20_000)
    ]  # fmt: skip
    PlannedChange.objects.add_all(rows)
    made = planning.plan(
        name="lamp", author=author, now=timezone.now(), enabled=False,
        due_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    execute("ANALYZE flags_plannedchange")

    for page in (PLANS, f"{PLANS}?waiting=1", f"{PLANS}?waiting=0", f"{PLANS}{made.pk}/change/"):
        assert {page: faults(admin, page)} == {page: []}
