"""What every route depends on: a database session, and the caller by token and row."""

import base64
import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ValidationError
from sqlalchemy import DateTime, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

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


class TokenPayload(BaseModel):
    sub: UUID
    sid: UUID


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


class PageInfo(BaseModel):
    total: int
    page: int
    page_size: int
    pages: int
    has_next: bool
    has_prev: bool


class SliceInfo(BaseModel):
    page_size: int
    next_cursor: str | None
    prev_cursor: str | None


def page_info(total: int, page: int, page_size: int) -> dict[str, Any]:
    pages = -(-total // page_size)
    return {
        "total": total,
        "page": page,
        "page_size": page_size,
        "pages": pages,
        "has_next": page < pages,
        "has_prev": 1 < page <= pages + 1,
    }


def behind(statement: Select[Any], model: Any, cursor: str, by: str = "created_at") -> Select[Any]:
    """Keep what stands behind the cursor's row."""
    if not cursor:
        return statement
    moment, row_id = json.loads(base64.urlsafe_b64decode(cursor))
    position = tuple_(datetime.fromisoformat(moment), UUID(row_id))
    return statement.where(tuple_(getattr(model, by), model.id) < position)


def slice_info(
    rows: list[Any], page_size: int, cursor: str, by: str = "created_at"
) -> dict[str, Any]:
    """Judge by one row more than the page has."""
    more, shown = len(rows) > page_size, rows[:page_size]
    return {
        "page_size": page_size,
        "next_cursor": written(shown[-1], by) if more else None,
        "prev_cursor": written(shown[0], by) if cursor and shown else None,
    }


def written(row: Any, by: str) -> str:
    position = json.dumps([getattr(row, by).isoformat(), str(row.id)])
    return base64.urlsafe_b64encode(position.encode()).decode()
