"""Whether a page of the admin stays quick on tables of any size."""

from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

MOST_ROWS_READ = 5_000
"""By one statement: a quarter of a table or less, so that whoever reads a whole one is seen."""
MOST_STATEMENTS = 10


def faults(staff: Client, page: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = staff.get(page)
    statements = [query["sql"] for query in captured]
    found = [sql for sql in statements if reads_too_much(sql)]
    if response.status_code != 200:
        found.append(f"status {response.status_code}")
    if len(statements) > MOST_STATEMENTS:
        found.append(f"{len(statements)} statements")
    return found


def reads_too_much(sql: str) -> bool:
    if not sql.startswith("SELECT"):
        return False
    if "OFFSET" in sql and "JOIN" in sql:
        return True  # it joins every row that it passes over
    return rows_read(plan_of(sql)) > MOST_ROWS_READ


def plan_of(sql: str) -> dict[str, Any]:
    """Run a statement that was captured, and return how PostgreSQL went about it."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".replace("%", "%%"), [])
        ((plan,),) = cursor.fetchone()
    found: dict[str, Any] = plan["Plan"]
    return found


def rows_read(node: dict[str, Any]) -> int:
    """Add up the rows that the scans of a plan looked at, also those they did not keep."""
    below = sum(rows_read(child) for child in node.get("Plans", []))
    if "Scan" not in node["Node Type"]:
        return below
    names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return below + int(sum(node.get(name, 0) for name in names) * node["Actual Loops"])
