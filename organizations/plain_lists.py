"""The list of an organization's members, by hand (core/plain_lists.py)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.plain_lists import PlainList
from organizations.models import Membership


class ShownMember(NamedTuple):
    """One row, as MemberSerializer reads it."""

    id: UUID
    user_id: UUID
    state: str
    joined_at: datetime
    email: str
    full_name: str
    role_key_shown: str


# LIMIT holds the planner to the index: it expects a page to be a tenth of the table.
PERSON = """
LEFT JOIN LATERAL (SELECT email, full_name FROM accounts_user WHERE id = t.user_id LIMIT 1) u
  ON true
"""
ROLE = "coalesce((SELECT key FROM organizations_customrole WHERE id = t.custom_role_id), t.role)"
MEMBERS = PlainList(
    Membership,
    ShownMember,
    where="t.organization_id = %(organization)s AND t.state IN ('active', 'suspended')",
    moment="joined_at",
    joins=PERSON,
    expressions={"email": "u.email", "full_name": "u.full_name", "role_key_shown": ROLE},
)
