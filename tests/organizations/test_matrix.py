"""Who may do what to whom: one table, and every cell of it tried over the API.

A cell names the targets that the one who acts (the row) may do it to; `-` nobody. `self` is tried
where somebody else is an owner too, so that the rule about the last one does not stand in the way.
"""

import pytest

from accounts.models import User
from organizations.models import Membership, Organization
from organizations.permissions import LADDER
from tests.client import ApiClient
from tests.conftest import make_user
from tests.tenants import join, signed_in

TABLE = """
action       viewer  member  admin               owner
read         yes     yes     yes                 yes
members      yes     yes     yes                 yes
rename       no      no      yes                 yes
leave        yes     yes     yes                 yes
to-owner     -       -       -                   viewer,member,admin,owner,self
to-admin     -       -       viewer,member,self  viewer,member,admin,owner,self
to-member    -       -       viewer,member,self  viewer,member,admin,owner,self
to-viewer    -       -       viewer,member,self  viewer,member,admin,owner,self
remove       self    self    viewer,member,self  viewer,member,admin,owner,self
suspend      -       -       viewer,member       viewer,member,admin,owner,self
reinstate    -       -       viewer,member,admin viewer,member,admin,owner
"""

ROLES = [str(role) for role in LADDER]
TARGETS = [*ROLES, "self"]


def rows() -> dict[str, list[str]]:
    _, *lines = TABLE.strip().splitlines()
    return {line.split()[0]: line.split()[1:] for line in lines}


def simple_cells() -> list[tuple[str, str, bool]]:
    """Return action, role of the one who acts, and whether it is allowed."""
    return [
        (action, actor, cell == "yes")
        for action, cells in rows().items()
        for actor, cell in zip(ROLES, cells, strict=True)
        if cell in {"yes", "no"}
    ]


def target_cells() -> list[tuple[str, str, str, bool]]:
    """The same for each target; nobody who is suspended can reinstate themselves."""
    return [
        (action, actor, target, target in cell.split(","))
        for action, cells in rows().items()
        for actor, cell in zip(ROLES, cells, strict=True)
        for target in TARGETS
        if cell not in {"yes", "no"} and (action, target) != ("reinstate", "self")
    ]


def ask(client: ApiClient, organization: Organization, action: str, target: User | None) -> int:
    base = f"/api/v1/organizations/{organization.pk}"
    member = f"{base}/members/{target.pk}" if target else ""
    method, path, body = {
        "read": ("GET", base, None),
        "members": ("GET", f"{base}/members", None),
        "rename": ("PATCH", base, {"name": "Another"}),
        "leave": ("POST", f"{base}/leave", None),
        "remove": ("DELETE", member, None),
        "suspend": ("POST", f"{member}/suspend", None),
        "reinstate": ("POST", f"{member}/reinstate", None),
    }.get(action, ("PATCH", member, {"role": action.removeprefix("to-")}))
    return int(client.send(method, path, body).status_code)


@pytest.mark.parametrize(("action", "actor", "allowed"), simple_cells())
def test_what_a_role_may_do(
    acme: Organization, action: str, actor: str, allowed: bool
) -> None:  # ORG 6
    acting = make_user("acting@example.com")
    join(acme, acting, actor)

    status = ask(signed_in(acting), acme, action, None)

    assert (status < 300) is allowed
    assert allowed or status == 403


@pytest.mark.parametrize(("action", "actor", "target", "allowed"), target_cells())
def test_what_a_role_may_do_to_another(  # ORG 6
    acme: Organization, action: str, actor: str, target: str, allowed: bool
) -> None:
    acting = make_user("acting@example.com")
    join(acme, acting, actor)
    other = acting if target == "self" else make_user("other@example.com")
    if target != "self":
        join(acme, other, target)
    before = state_of(acme, other)
    if action == "reinstate":
        Membership.objects.of(other.pk).move("suspended")
        before = state_of(acme, other)

    status = ask(signed_in(acting), acme, action, other)

    assert (status < 300) is allowed
    assert allowed or (status == 403 and state_of(acme, other) == before)


def state_of(organization: Organization, user: User) -> tuple[str, str]:
    membership = Membership.objects.for_organization(organization.pk).of(user.pk).get()
    return membership.role_key, membership.state
