"""The list in the style of the full-stack FastAPI template, on async SQLAlchemy 2 and asyncpg.

A dependency decodes the token and loads the user's row; COUNT and page go through ORM models;
pydantic models shape the answer. It has no session check, no rate limit and no log.
"""

import base64
import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import DateTime, ForeignKey, Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.lifecycle import exit_with_parent

exit_with_parent()

DATABASE_URL = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://")
SECRET_KEY = os.environ["SECRET_KEY"]

# A connection for each request that the load has in flight: nothing waits for the pool.
engine = create_async_engine(DATABASE_URL, pool_size=32, native_inet_types=False)
make_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}


class User(Base):
    __tablename__ = "accounts_user"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    full_name: Mapped[str]
    is_active: Mapped[bool]
    is_superuser: Mapped[bool]


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


class TokenPayload(BaseModel):
    sub: UUID
    sid: UUID


class SessionPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    device: str
    ip_address: str
    created_at: datetime
    last_seen_at: datetime
    current: bool = False


class SessionsPage(BaseModel):
    items: list[SessionPublic]
    total: int
    page: int
    page_size: int
    pages: int
    has_next: bool
    has_prev: bool


class SessionsSlice(BaseModel):
    items: list[SessionPublic]
    page_size: int
    next_cursor: str | None
    prev_cursor: str | None


@dataclass
class Caller:
    user: User
    session_id: UUID


async def get_db() -> AsyncGenerator[AsyncSession]:
    async with make_session() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_db)]
TokenDep = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/api/v1/login/access-token"))]


async def get_caller(session: SessionDep, token: TokenDep) -> Caller:
    try:
        payload = TokenPayload(**jwt.decode(token, SECRET_KEY, algorithms=["HS256"]))
    except (jwt.InvalidTokenError, ValidationError):
        raise HTTPException(403, "Could not validate credentials") from None
    user = await session.get(User, payload.sub)
    if not user:
        raise HTTPException(404, "User not found")
    if not user.is_active:
        raise HTTPException(400, "Inactive user")
    return Caller(user, payload.sid)


CallerDep = Annotated[Caller, Depends(get_caller)]
PageNumber = Annotated[int, Query(ge=1)]
PageSize = Annotated[int, Query(ge=1, le=100)]

app = FastAPI()


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


@app.get("/api/v1/users/me/sessions", response_model=SessionsPage)
async def read_page(
    session: SessionDep, caller: CallerDep, page: PageNumber = 1, page_size: PageSize = 20
) -> Any:
    counted = select(func.count()).select_from(UserSession).where(*is_open(caller))
    total = (await session.execute(counted)).scalar_one()
    statement = newest_first(caller).offset((page - 1) * page_size).limit(page_size)
    rows = (await session.execute(statement)).scalars()
    pages = -(-total // page_size)
    return SessionsPage(
        items=[public(row, caller) for row in rows],
        total=total,
        page=page,
        page_size=page_size,
        pages=pages,
        has_next=page < pages,
        has_prev=1 < page <= pages + 1,
    )


@app.get("/api/v1/users/me/sessions/by-cursor", response_model=SessionsSlice)
async def read_slice(
    session: SessionDep, caller: CallerDep, cursor: str = "", page_size: PageSize = 20
) -> Any:
    statement = newest_first(caller).limit(page_size + 1)
    if cursor:
        moment, row_id = json.loads(base64.urlsafe_b64decode(cursor))
        position = tuple_(datetime.fromisoformat(moment), UUID(row_id))
        statement = statement.where(tuple_(UserSession.created_at, UserSession.id) < position)
    rows = list((await session.execute(statement)).scalars())
    more, rows = len(rows) > page_size, rows[:page_size]
    return SessionsSlice(
        items=[public(row, caller) for row in rows],
        page_size=page_size,
        next_cursor=written(rows[-1]) if more else None,
        prev_cursor=written(rows[0]) if cursor and rows else None,
    )


def written(row: UserSession) -> str:
    position = json.dumps([row.created_at.isoformat(), str(row.id)])
    return base64.urlsafe_b64encode(position.encode()).decode()
