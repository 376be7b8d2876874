import pytest
from structlog.contextvars import bind_contextvars

from core import origin
from core.models import new_id
from core.origin import Door, Origin


def test_a_shell_is_a_terminal() -> None:
    assert origin.current() == Origin(Door.TERMINAL, "", None, None)


def test_a_request_has_an_id_and_an_address() -> None:
    bind_contextvars(request_id="r-1", ip_address="2001:DB8::1")

    assert origin.current() == Origin(Door.REQUEST, "r-1", "2001:db8::1", None)


def test_an_operator_of_the_admin_is_named() -> None:
    operator_id = new_id()
    bind_contextvars(request_id="r-1", ip_address="192.0.2.1", operator_id=str(operator_id))

    assert origin.current() == Origin(Door.ADMIN, "r-1", "192.0.2.1", operator_id)


def test_a_job_knows_the_request_that_deferred_it() -> None:
    bind_contextvars(request_id="r-1", job_id=7)

    assert origin.current() == Origin(Door.JOB, "r-1", None, None)


@pytest.mark.parametrize(
    ("bound", "kept"),
    [
        ("", None), ("0.0.0.0", None), ("unix:", None), ("testclient", None),
        ("fe80::1%eth0", "fe80::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
    ],
)  # fmt: skip
def test_an_address_is_one_that_the_database_takes(bound: str, kept: str | None) -> None:
    bind_contextvars(ip_address=bound)

    assert origin.current().ip_address == kept
