# PLT 23: --json, --dry-run, exit codes 0, 1 and 2, safe twice.
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.jobs import job
from core.jobs.runner import work_off
from core.management.base import UsageError
from tests.core.jobs import queues


@job(name="test:greet")
def greet(*, name: str) -> None:
    pass


@job(name="test:refuse", retries=0)
def refuse(*, token: str) -> None:
    raise RuntimeError("no")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("jobs", *arguments, stdout=out)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


@pytest.mark.django_db
def test_a_job_can_be_deferred_by_its_name() -> None:
    deferred = run_json("defer", "test:greet", "--args", '{"name": "Ada"}')

    assert queues.status(deferred["id"]) == "todo"
    assert run("defer", "test:greet", "--args", '{"name": "Ada"}').startswith("Deferred job ")


@pytest.mark.django_db
def test_an_unknown_job_is_named_with_those_that_are_known() -> None:
    with pytest.raises(
        CommandError, match=r"There is no job test:nobody\. Known: .*test:greet"
    ) as e:
        run("defer", "test:nobody")

    assert e.value.returncode == 1


@pytest.mark.django_db
def test_the_jobs_of_fault_tests_are_there_only_when_asked_for() -> None:
    with pytest.raises(CommandError, match=r"There is no job debug\.exit\."):
        run("defer", "debug.exit")


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", ["", "[1]", '{"nome": "Ada"}', '{"name": {"a": 1}}'])
def test_arguments_that_do_not_fit_are_a_mistake_of_usage(arguments: str) -> None:
    with pytest.raises(UsageError, match="These arguments do not fit"):
        run("defer", "test:greet", "--args", arguments)

    assert queues.total() == 0


@pytest.mark.django_db
def test_the_list_shows_what_failed_and_why() -> None:
    job_id = refuse.defer(token="s3cr3t-s3cr3t")
    greet.defer(name="Ada")
    work_off()

    (failed,) = run_json("list", "--status", "failed")
    table = run("list")

    assert failed["id"] == job_id
    assert failed["reason"] == "It failed with RuntimeError: no"
    assert failed["arguments"] == {"token": "[redacted]"}
    assert failed["parked_at"].endswith("Z")
    assert "s3cr3t" not in table
    assert [line.split()[1] for line in table.splitlines()] == ["succeeded", "failed"]


@pytest.mark.django_db
def test_an_empty_list_says_so() -> None:
    assert run("list") == "No jobs.\n"
    assert run_json("list", "--queue", "nowhere", "--limit", "3") == []


@pytest.mark.django_db
def test_a_retry_queues_the_job_anew_and_a_second_finds_nothing() -> None:
    job_id = refuse.defer(token="x")
    work_off()

    dry = run_json("retry", "--all-failed", "--dry-run")
    first = run_json("retry", str(job_id))
    second = run_json("retry", "--all-failed")

    assert dry == {"retried": [job_id], "dry_run": True}
    assert first == {"retried": [job_id], "dry_run": False}
    assert second == {"retried": [], "dry_run": False}
    assert queues.status(job_id) == "todo"


@pytest.mark.django_db
def test_a_job_that_has_not_failed_can_not_be_retried() -> None:
    job_id = greet.defer(name="Ada")

    with pytest.raises(CommandError, match=f"No failed job has the id {job_id}") as error:
        run("retry", str(job_id))

    assert error.value.returncode == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"],
        ["retry", "1", "--all-failed"],
        ["retry", "one"],
        ["list", "--status", "lost"],
        ["list", "--limit", "0"],
        ["defer"],
        ["explode"],
        [],
    ],
)
def test_a_wrong_call_is_a_mistake_of_usage(arguments: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        run(*arguments)

    assert error.value.returncode == 2
    assert "\n" not in str(error.value)
