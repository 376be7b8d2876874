"""The list of an organization's members, for its members."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel
from sqlalchemy import ForeignKey, Select, func, select
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from bench.peers.fastapi_template import deps
from bench.peers.fastapi_template.deps import (
    Base,
    CallerDep,
    PageInfo,
    PageNumber,
    PageSize,
    SessionDep,
    SliceInfo,
    User,
)

router = APIRouter(prefix="/api/v1/organizations/{organization_id}/members")
LISTED = ("active", "suspended")


class Membership(Base):
    __tablename__ = "organizations_membership"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_user.id"))
    role: Mapped[str]
    state: Mapped[str]
    joined_at: Mapped[datetime]

    user: Mapped[User] = relationship()


class MemberPublic(BaseModel):
    user_id: UUID
    email: str
    full_name: str
    role: str
    state: str
    joined_at: datetime


class MembersPage(PageInfo):
    items: list[MemberPublic]


class MembersSlice(SliceInfo):
    items: list[MemberPublic]


async def belongs(session: SessionDep, caller: CallerDep, organization_id: UUID) -> UUID:
    """Let members alone in."""
    chosen = select(Membership).where(
        Membership.organization_id == organization_id,
        Membership.user_id == caller.user.id,
        Membership.state == "active",
    )
    if (await session.execute(chosen)).scalar_one_or_none() is None:
        raise HTTPException(404, "Organization not found")
    return organization_id


OrganizationDep = Annotated[UUID, Depends(belongs)]


def listed(organization_id: UUID) -> tuple[Any, ...]:
    return Membership.organization_id == organization_id, Membership.state.in_(LISTED)


def newest_first(organization_id: UUID) -> Select[tuple[Membership]]:
    chosen = select(Membership).where(*listed(organization_id))
    loaded = chosen.options(joinedload(Membership.user, innerjoin=True))
    return loaded.order_by(Membership.joined_at.desc(), Membership.id.desc())


def public(row: Membership) -> MemberPublic:
    return MemberPublic(
        user_id=row.user_id,
        email=row.user.email,
        full_name=row.user.full_name,
        role=row.role,
        state=row.state,
        joined_at=row.joined_at,
    )


@router.get("", response_model=MembersPage)
async def read_page(
    session: SessionDep,
    organization_id: OrganizationDep,
    page: PageNumber = 1,
    page_size: PageSize = 20,
) -> Any:
    counted = select(func.count()).select_from(Membership).where(*listed(organization_id))
    total = (await session.execute(counted)).scalar_one()
    statement = newest_first(organization_id).offset((page - 1) * page_size).limit(page_size)
    rows = (await session.execute(statement)).scalars()
    return MembersPage(
        items=[public(row) for row in rows], **deps.page_info(total, page, page_size)
    )


@router.get("/by-cursor", response_model=MembersSlice)
async def read_slice(
    session: SessionDep,
    organization_id: OrganizationDep,
    cursor: str = "",
    page_size: PageSize = 20,
) -> Any:
    first = newest_first(organization_id).limit(page_size + 1)
    statement = deps.behind(first, Membership, cursor, by="joined_at")
    rows = list((await session.execute(statement)).scalars())
    items = [public(row) for row in rows[:page_size]]
    info = deps.slice_info(rows, page_size, cursor, by="joined_at")
    return MembersSlice(items=items, **info)
