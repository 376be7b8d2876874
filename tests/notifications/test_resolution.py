"""Who wants what where: the rule as a table."""  # NTF 12

import pytest

from notifications.choices.resolution import Said, is_wanted
from notifications.kinds import Kind

USUAL = Kind("a.b", "x")
REQUIRED = Kind("a.c", "x", is_required=True)
ON, OFF = True, False


@pytest.mark.parametrize(
    ("kind", "channel", "in_organization", "everywhere", "default", "expected"),
    [
        (USUAL, "in_app", None, None, None, ON),
        (USUAL, "email", None, None, None, OFF),
        (USUAL, "in_app", None, None, OFF, OFF),
        (USUAL, "email", None, None, ON, ON),
        (USUAL, "in_app", None, OFF, ON, OFF),
        (USUAL, "email", None, ON, OFF, ON),
        (USUAL, "in_app", OFF, ON, ON, OFF),
        (USUAL, "email", ON, OFF, OFF, ON),
        (REQUIRED, "in_app", OFF, OFF, OFF, ON),
        (REQUIRED, "push", OFF, OFF, OFF, ON),
        (REQUIRED, "email", None, None, None, OFF),
        (REQUIRED, "email", None, ON, None, ON),
    ],
)
def test_the_first_that_says_something_decides(
    kind: Kind,
    channel: str,
    in_organization: bool | None,
    everywhere: bool | None,
    default: bool | None,
    expected: bool,
) -> None:
    assert is_wanted(kind, channel, Said(in_organization, everywhere, default)) is expected
