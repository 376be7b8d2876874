"""The list of one's notifications: what is neither archived nor asleep."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, Select, func, select
from sqlalchemy.dialects.postgresql import JSONB
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

router = APIRouter(prefix="/api/v1/notifications")


class Notification(Base):
    __tablename__ = "notifications_notification"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_user.id"))
    organization_id: Mapped[UUID | None]
    type: Mapped[str]
    kind: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    actions: Mapped[list[Any]] = mapped_column(JSONB)
    data: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB)
    is_listed: Mapped[bool]
    read_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    group_count: Mapped[int]

    @property
    def is_read(self) -> bool:
        return self.read_at is not None

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class Action(BaseModel):
    label: str
    url: str


class NotificationPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    type: str
    kind: str
    title: str
    body: str
    actions: list[Action]
    metadata: dict[str, Any] = Field(validation_alias="data")
    organization: UUID | None = Field(validation_alias="organization_id")
    is_read: bool
    read_at: datetime | None
    seen_at: datetime | None
    is_archived: bool
    snoozed_until: datetime | None
    group_count: int
    created_at: datetime


class NotificationsPage(PageInfo):
    items: list[NotificationPublic]


class NotificationsSlice(SliceInfo):
    items: list[NotificationPublic]


def in_the_inbox(caller: Caller) -> tuple[Any, ...]:
    return (
        Notification.user_id == caller.user.id,
        Notification.is_listed,
        Notification.archived_at.is_(None),
        Notification.snoozed_until.is_(None),
    )


def newest_first(caller: Caller) -> Select[tuple[Notification]]:
    chosen = select(Notification).where(*in_the_inbox(caller))
    return chosen.order_by(Notification.created_at.desc(), Notification.id.desc())


@router.get("", response_model=NotificationsPage)
async def read_page(
    session: SessionDep, caller: CallerDep, page: PageNumber = 1, page_size: PageSize = 20
) -> Any:
    counted = select(func.count()).select_from(Notification).where(*in_the_inbox(caller))
    total = (await session.execute(counted)).scalar_one()
    statement = newest_first(caller).offset((page - 1) * page_size).limit(page_size)
    rows = (await session.execute(statement)).scalars()
    items = [NotificationPublic.model_validate(row) for row in rows]
    return NotificationsPage(items=items, **deps.page_info(total, page, page_size))


@router.get("/by-cursor", response_model=NotificationsSlice)
async def read_slice(
    session: SessionDep, caller: CallerDep, cursor: str = "", page_size: PageSize = 20
) -> Any:
    statement = deps.behind(newest_first(caller).limit(page_size + 1), Notification, cursor)
    rows = list((await session.execute(statement)).scalars())
    items = [NotificationPublic.model_validate(row) for row in rows[:page_size]]
    return NotificationsSlice(items=items, **deps.slice_info(rows, page_size, cursor))
