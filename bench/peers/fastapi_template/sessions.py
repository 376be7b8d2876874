"""The list of one's sessions."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, Select, func, select
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from bench.peers.fastapi_template import deps
from bench.peers.fastapi_template.deps import (
    Base,
    Caller,
    CallerDep,
    PageInfo,
    PageNumber,
    PageSize,
    SessionDep,
    SliceInfo,
)

router = APIRouter(prefix="/api/v1/users/me/sessions")


class UserSession(Base):
    __tablename__ = "accounts_usersession"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_user.id"))
    device: Mapped[str]
    ip_address: Mapped[str] = mapped_column(INET)
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SessionPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    device: str
    ip_address: str
    created_at: datetime
    last_seen_at: datetime
    current: bool = False


class SessionsPage(PageInfo):
    items: list[SessionPublic]


class SessionsSlice(SliceInfo):
    items: list[SessionPublic]


def is_open(caller: Caller) -> tuple[Any, ...]:
    return (
        UserSession.user_id == caller.user.id,
        UserSession.ended_at.is_(None),
        UserSession.expires_at > datetime.now(UTC),
    )


def newest_first(caller: Caller) -> Select[tuple[UserSession]]:
    chosen = select(UserSession).where(*is_open(caller))
    return chosen.order_by(UserSession.created_at.desc(), UserSession.id.desc())


def public(row: UserSession, caller: Caller) -> SessionPublic:
    shown = SessionPublic.model_validate(row)
    shown.current = row.id == caller.session_id
    return shown


@router.get("", response_model=SessionsPage)
async def read_page(
    session: SessionDep, caller: CallerDep, page: PageNumber = 1, page_size: PageSize = 20
) -> Any:
    counted = select(func.count()).select_from(UserSession).where(*is_open(caller))
    total = (await session.execute(counted)).scalar_one()
    statement = newest_first(caller).offset((page - 1) * page_size).limit(page_size)
    rows = (await session.execute(statement)).scalars()
    items = [public(row, caller) for row in rows]
    return SessionsPage(items=items, **deps.page_info(total, page, page_size))


@router.get("/by-cursor", response_model=SessionsSlice)
async def read_slice(
    session: SessionDep, caller: CallerDep, cursor: str = "", page_size: PageSize = 20
) -> Any:
    statement = deps.behind(newest_first(caller).limit(page_size + 1), UserSession, cursor)
    rows = list((await session.execute(statement)).scalars())
    items = [public(row, caller) for row in rows[:page_size]]
    return SessionsSlice(items=items, **deps.slice_info(rows, page_size, cursor))
