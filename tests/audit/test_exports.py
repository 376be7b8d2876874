"""The log as a file."""

import csv
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from audit import exports
from audit.models import AuditEntry
from core.models import new_id
from organizations.models import Organization
from organizations.services import lifecycle
from tests.audit.entries import PATH, entry
from tests.client import ApiClient, problem

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def path(organization: Organization, format: str) -> str:
    return f"{PATH}/{organization.pk}/audit/export?format={format}"


def body(answer: Any) -> str:
    return b"".join(answer).decode()


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text, newline="")))


def test_csv(api: ApiClient, acme: Organization, user: User) -> None:
    answer = api.send("GET", path(acme, "csv"), X_Request_ID="r-7")

    text = body(answer)
    assert answer["Content-Type"] == "text/csv; charset=utf-8; header=present"
    day = f"{timezone.now():%Y-%m-%d}"
    assert answer["Content-Disposition"] == f'attachment; filename="audit-acme-{day}.csv"'
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Request-ID"] == "r-7"
    assert "Content-Length" not in answer
    assert text.startswith("id,created_at,action,actor_kind,actor_id,actor_name,")
    assert text.count("\r\n") == text.count("\n") == 2
    (row,) = rows(text)
    assert row["action"] == "organization.created"
    assert (row["actor_id"], row["actor_name"]) == (str(user.pk), "Uma User")
    assert json.loads(row["after"]) == {"name": "Acme", "slug": "acme"}
    assert row["created_at"].endswith("Z")


def test_csv_is_what_is_given_without_a_format(api: ApiClient, acme: Organization) -> None:
    answer = api.send("GET", path(acme, "csv").partition("?")[0])

    assert answer["Content-Type"].startswith("text/csv")


def test_jsonl_has_the_items_of_the_list(api: ApiClient, acme: Organization) -> None:
    lifecycle.change(organization_id=acme.pk, actor_id=None, name="Ä\r\nß", now=timezone.now())

    answer = api.send("GET", path(acme, "jsonl"))

    lines = body(answer).split("\n")
    assert answer["Content-Type"] == "application/jsonl"
    assert lines.pop() == ""
    items = api.read(f"{PATH}/{acme.pk}/audit")["items"]
    assert [json.loads(line) for line in lines] == items


def test_head_makes_no_file(api: ApiClient, acme: Organization) -> None:
    answer = api.send("HEAD", path(acme, "csv"))

    assert answer["Content-Type"].startswith("text/csv")
    assert body(answer) == ""


@pytest.mark.parametrize("query", ["format=xml", "format=", "page=1", "cursor=", "search=x"])
def test_what_is_no_export_is_refused(api: ApiClient, acme: Organization, query: str) -> None:
    answer = api.send("GET", f"{PATH}/{acme.pk}/audit/export?{query}")

    assert problem(answer)["status"] == 400


@pytest.mark.parametrize(
    "name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "a\r\n=1", 'a"b', "a,b;c"]
)
def test_a_name_is_never_computed_by_a_spreadsheet(
    api: ApiClient, acme: Organization, user: User, name: str
) -> None:
    User.objects.change(user, full_name=name)

    (row,) = rows(body(api.send("GET", path(acme, "csv"))))

    assert row["actor_name"] == (f"'{name}" if name[0] in DANGEROUS else name)


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), max_size=5))
def test_whatever_stands_in_a_cell_comes_back_and_computes_nothing(lines: list[list[str]]) -> None:
    text = exports.written([[exports.safe(cell) for cell in line] for line in lines]).decode()

    read = list(csv.reader(StringIO(text, newline=""), strict=True))

    assert not [cell for line in read for cell in line if cell.startswith(DANGEROUS)]
    assert [[bare(cell) for cell in line] for line in read] == [
        [bare(cell) for cell in line] for line in lines
    ]


def bare(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(DANGEROUS) else cell


def test_every_entry_is_there_once_over_many_batches(acme: Organization) -> None:
    AuditEntry.objects.for_organization(acme.pk).remove_all()
    moment = timezone.now()
    AuditEntry.objects.add_all(
        AuditEntry(
            organization_id=acme.pk,
            actor_kind="system",
            created_at=moment - timedelta(seconds=number // 200),
        )
        for number in range(1_500)
    )
    mine = AuditEntry.objects.for_organization(acme.pk)

    with CaptureQueriesContext(connection) as captured:
        lines = b"".join(exports.parts(mine, "jsonl")).splitlines()

    assert len({json.loads(line)["id"] for line in lines}) == len(lines) == 1_500
    assert len(captured) == 4  # three full batches and an empty one
    assert all("LIMIT 500" in query["sql"] for query in captured)


def test_names_cost_one_statement_a_batch(acme: Organization, globex: Organization) -> None:
    for number in range(20):
        entry(acme.pk, actor_id=[acme.created_by_id, globex.created_by_id, new_id()][number % 3])

    with CaptureQueriesContext(connection) as captured:
        b"".join(exports.parts(AuditEntry.objects.for_organization(acme.pk), "csv"))

    assert len(captured) == 2
