from collections.abc import Iterator

import pytest

from notifications import kinds
from notifications.checks import check_schemas_of_kinds
from notifications.kinds import Kind


@pytest.fixture
def _unfit_kind() -> Iterator[None]:
    kinds.register(Kind("lamp.broken", "A lamp broke", schema={"type": "lamp"}))
    yield
    del kinds._kinds["lamp.broken"]


def test_every_kind_of_ours_has_a_schema_that_is_one() -> None:
    assert check_schemas_of_kinds(None) == []


@pytest.mark.usefixtures("_unfit_kind")
def test_a_schema_that_is_none_is_told_of_with_its_kind() -> None:
    (fault,) = check_schemas_of_kinds(None)

    assert fault.id == "notifications.E001"
    assert "lamp.broken" in fault.msg
    assert "'lamp'" in fault.msg
